"""What was measured as a table for the terminal and for ``results/speed/``, and as JSON."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import paths
from bench.speed.measurement import Speed, Spread


@dataclass(frozen=True)
class Report:
    """All variants on one machine, with what one needs to know to repeat it."""

    experiment: str
    environment: dict[str, Any]
    gpu: str | None
    """The GPU that trained, if one did."""
    code: dict[str, Any]
    width: int
    rounds: int
    seconds: float
    variants: Sequence[Speed]
    mirroring: float
    """Processor seconds to send one trial's record to MLflow."""
    help: Spread
    """Seconds that ``ganbench --help`` takes."""
    dry_run: Spread
    """Seconds that ``ganbench run EXPERIMENT --dry-run`` takes."""

    @property
    def machine(self) -> str:
        """The processor and its cores, or the GPU, as a file's name."""
        name = self.gpu or self.environment["processor"] or "processor"
        words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        return words if self.gpu else f"{words}-{self.environment['cores']}-cores"

    def markdown(self) -> str:
        """A table with one line a figure and one column a variant, and how it was measured."""
        heads = ["", *(speed.variant for speed in self.variants)]
        rows = [heads, [":--", *("--:" for _ in self.variants)], *_rows(self.variants)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        notes = [f"* {self._method()}", f"* {self._surroundings()}"]
        return "\n".join([f"**{self._place()}**", "", *lines, "", *notes, ""])

    def json(self) -> str:
        """Every figure with its range, the machine, the versions and the commit."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    def save(self, folder: Path) -> Path:
        """Write ``<machine>.md`` and ``<machine>.json``; returns the former's path."""
        for ending, content in (("json", self.json() + "\n"), ("md", self.markdown())):
            path = folder / f"{self.machine}.{ending}"
            with paths.replacing(path, "w") as file:
                file.write(content)
        return path

    def _place(self) -> str:
        cores = f"{self.environment['cores']} cores of {self.environment['processor']}"
        torch = self.environment["packages"]["torch"]
        place = f"{self.gpu} beside {cores}" if self.gpu else cores
        return f"{place}, torch {torch}, Python {self.environment['python']}"

    def _method(self) -> str:
        side = "single-threaded processes" if self.gpu is None else "trials on streams of one GPU"
        peak = "" if self.gpu else ", one process a core"
        return (
            f"Medians over {self.rounds} rounds with lowest and highest, in brackets; in each "
            f"round everything was measured once, one after the other, {self.seconds:g} s each. "
            f"Side by side: {self.width} {side}. The tutorials' loop "
            "(DataLoader with transforms, Sigmoid and BCELoss, default optimisers) has the same "
            "networks and batch and torch's default threads. The peak is that of single-precision "
            f"products of square matrices{peak}. The measurements' share is at the settings of "
            f"`{self.experiment}`."
        )

    def _surroundings(self) -> str:
        return (
            f"Sending a trial's whole record to MLflow took {self.mirroring:.2g} s of processor "
            f"time; `ganbench --help` answered in {_shown(self.help)} s, "
            f"`ganbench run {self.experiment} --dry-run` in {_shown(self.dry_run)} s."
        )


def _rows(variants: Sequence[Speed]) -> Iterator[list[str]]:
    for title, value in _ROWS.items():
        yield [title, *(value(speed) for speed in variants)]


def _of(name: str, unit: float = 1.0) -> Callable[[Speed], str]:
    def shown(speed: Speed) -> str:
        found: Spread | None = getattr(speed, name)
        return "–" if found is None else _shown(found, unit)

    return shown


def _shown(spread: Spread, unit: float = 1.0) -> str:
    values = (spread.median, spread.lowest, spread.highest)
    middle, low, high = (f"{unit * value:.3g}" for value in values)
    return f"{middle} [{low}–{high}]"


_ROWS = {
    "tutorials' loop [steps/s]": _of("tutorial"),
    "one trial alone [steps/s]": _of("alone"),
    "trials side by side, together [steps/s]": _of("machine"),
    "side by side / tutorials' loop": _of("gain"),
    "side by side in bf16 / in fp32": _of("bf16"),
    "matrix products a step [GFLOP]": lambda speed: f"{speed.gflop:.3g}",
    "peak of matrix products, together [GFLOP/s]": _of("sgemm"),
    "share of that peak [%]": _of("roofline", 100),
    "a measurement in between [s]": _of("point"),
    "the measurements at the end [s]": _of("end"),
    "measurements' share of a trial [%]": _of("share", 100),
}
