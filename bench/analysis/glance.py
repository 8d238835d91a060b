"""What the page shows first: of each variant some samples, its FID on one axis, modes, verdict."""

import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from bench.analysis import statistics, verdicts
from bench.analysis.figures.samples import cells
from bench.analysis.records import Records
from bench.analysis.sample_selection import SampleGrids
from bench.analysis.summary import Row, rows, trimmed
from bench.analysis.verdicts import Pair
from bench.datasets.pixels import ACROSS

_MARGIN = 0.06  # of the axis, on both sides
_WIDEST = 3  # times beyond the outermost seeds, which is where the interval of two seeds is cut
_NAMED = 3
_OPPOSITE = {"better": "worse", "worse": "better"}


class Axis:
    """A logarithmic axis of FID that holds all of the given values, which are positive."""

    def __init__(self, values: Iterable[float]) -> None:
        logs = [math.log10(value) for value in values if value > 0] or [0.0]
        pad = max(max(logs) - min(logs), 0.1) * _MARGIN
        self._low, self._high = min(logs) - pad, max(logs) + pad

    def place(self, value: float) -> float:
        """Per cent from the left end, 0 to 100."""
        log = math.log10(value) if value > 0 else self._low
        return round(100 * min(max((log - self._low) / (self._high - self._low), 0), 1), 2)

    @cached_property
    def ticks(self) -> list[tuple[str, float]]:
        """Label and place of 1, 2, 5, 10 …; of each power of ten only where those are many."""
        tens = range(math.floor(self._low), math.ceil(self._high) + 1)
        fine = [digit * 10.0**ten for ten in tens for digit in (1, 2, 5)]
        within = [v for v in fine if self._low <= math.log10(v) <= self._high]
        if len(within) > 7:
            within = [value for value in within if round(math.log10(value), 9).is_integer()]
        return [(trimmed(value), self.place(value)) for value in within]


@dataclass(frozen=True)
class Line:
    """One variant.

    Attributes:
        picture: PNG, the first line of the median seed's last grid, or a picture of another kind
            as it is; None without any.
        scatter: whether the picture is of another kind.
        seeds: seed and FID of each that finished.
        centre, interval: the geometric mean and its 95 % interval, None where too few finished.
    """

    row: Row
    picture: bytes | None
    picture_seed: int
    scatter: bool
    seeds: tuple[tuple[int, float], ...]
    centre: float | None
    interval: tuple[float, float] | None
    verdict: str

    @property
    def label(self) -> str:
        """What the drawing of the FID shows, in words."""
        if self.centre is None:
            return "No trial finished with an FID"
        text = f"FID {trimmed(self.centre)}"
        if self.interval is None:
            return text
        low, high = (f"{end:.3g}" for end in self.interval)
        return f"{text}, 95 % interval {low} to {high}"


def glance(records: Records, grids: list[SampleGrids]) -> tuple[list[Line], Axis]:
    """The lines in the table's order, and the axis that they share."""
    table = rows(records)
    pairs = verdicts.pairs(table, "fid", records.control)
    lines = [_line(row, grids, _standing(row.name, pairs, records.control)) for row in table]
    values = [fid for line in lines for _, fid in line.seeds]
    ends = [end for line in lines for end in line.interval or ()]
    if values:
        ends = [min(max(end, min(values) / _WIDEST), max(values) * _WIDEST) for end in ends]
    floor = records.floor.get("fid")
    return lines, Axis([*values, *ends, *([floor] if floor else [])])


def _line(row: Row, grids: list[SampleGrids], verdict: str) -> Line:
    own = [grid for grid in grids if grid.row == row.name]
    chosen = min(own, key=lambda grid: "median" not in grid.places, default=None)
    fid = row.final("fid")
    few = fid.n < 2 or (fid.values <= 0).any()
    low, high = (None, None) if few else map(float, statistics.log_t_interval(fid.values))
    return Line(
        row,
        _strip(chosen) if chosen else None,
        chosen.seed if chosen else 0,
        chosen is not None and cells(chosen.last, 1) is None,
        fid.points,
        float(np.exp(np.log(fid.values).mean())) if fid.n else None,
        None if low is None or high is None else (low, high),
        verdict,
    )


def _strip(grids: SampleGrids) -> bytes:
    """The first line of cells side by side; a picture of another kind as it is."""
    images = cells(grids.last, ACROSS)
    if images is None:
        return grids.pngs[max(grids.pngs)]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(list(images), axis=1)).save(file, format="PNG", optimize=True)
    return file.getvalue()


def _standing(name: str, pairs: list[Pair], control: str) -> str:
    """How a variant stands to the others, or to the control, by the verdicts on pairs."""
    if name == control:
        return "the control"
    kinds: dict[str, list[str]] = {}
    for pair in pairs:
        if name == pair.a:
            kinds.setdefault(pair.verdict, []).append(pair.b)
        elif name == pair.b:
            kinds.setdefault(_OPPOSITE.get(pair.verdict, pair.verdict), []).append(pair.a)
    others = sum(map(len, kinds.values()))
    return "; ".join(
        f"{kind} {_LINKS[kind]} {_names(kinds[kind], others)}" for kind in _LINKS if kind in kinds
    )


_LINKS = {
    "better": "than",
    "worse": "than",
    "not distinguishable": "from",
    "too few seeds": "to compare with",
}


def _names(names: list[str], others: int) -> str:
    if len(names) == others > 1:
        return f"all {others} others"
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} of {others} others"
