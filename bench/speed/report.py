"""What was measured as a table for the terminal and for ``results/speed/``, and as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import paths
from bench.speed.measurement import FIGURES, Speed, Spread

_PAGE = """\
**{place}, torch {torch}, Python {environment[python]}**

{table}

* Medians over {rounds} rounds, with lowest and highest in brackets. In each round everything was \
measured once, one after the other, {seconds:g} s each.
* Side by side: {width} {side}. The tutorials' loop (DataLoader with transforms, Sigmoid and \
BCELoss, default optimisers) has the same networks and batch, and torch's default threads.
* The peak is that of single-precision products of square matrices{peak}. The measurements' share \
is at the settings of `{experiment}`.
* Sending a trial's whole record to MLflow took {mirroring:.2g} s of processor time. \
`ganbench --help` answered in {help} s, `ganbench run {experiment} --dry-run` in {dry_run} s.
"""


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

    def json(self) -> str:
        """Every figure with its range, the machine, the versions and the commit."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    def markdown(self) -> str:
        """A table with one line a figure and one column a variant, and how it was measured."""
        cores = f"{self.environment['cores']} cores of {self.environment['processor']}"
        place, side, peak = cores, "single-threaded processes", ", one process a core"
        if self.gpu:
            place, side, peak = f"{self.gpu} next to {cores}", "trials on streams of one GPU", ""
        texts = {"help": self.help.text(), "dry_run": self.dry_run.text(), "table": self._table()}
        texts |= {"place": place, "side": side, "peak": peak}
        return _PAGE.format(**vars(self) | texts, torch=self.environment["packages"]["torch"])

    def save(self, folder: Path) -> Path:
        """Write ``<machine>.md`` and ``<machine>.json``; returns the former's path."""
        for ending, content in (("json", self.json() + "\n"), ("md", self.markdown())):
            path = folder / f"{self.machine}.{ending}"
            with paths.replacing(path, "w") as file:
                file.write(content)
        return path

    def _table(self) -> str:
        rows = [["", *(speed["variant"] for speed in self.variants)]]
        rows += [[":--", *("--:" for _ in self.variants)]]
        for name, (title, _) in FIGURES.items():
            unit = 100 if title.endswith("[%]") else 1
            rows += [[title, *(_cell(speed[name], unit) for speed in self.variants)]]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: Spread | float | None, unit: float) -> str:
    if isinstance(value, Spread):
        return value.text(unit)
    return "–" if value is None else f"{value:.3g}"
