"""What was measured as a table for the terminal and for ``results/speed/``, and as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import paths
from bench.speed.measurement import FIGURES, Speed, Spread


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
        content = asdict(self)
        content["variants"] = [speed | speed.pop("figures") for speed in content["variants"]]
        return json.dumps(content, indent=1, allow_nan=False)

    def markdown(self) -> str:
        """A table with one line a figure and one column a variant, and how it was measured."""
        rows = [["", *(speed.variant for speed in self.variants)]]
        rows += [[":--", *("--:" for _ in self.variants)]]
        for name, (title, _) in FIGURES.items():
            if name == "sgemm":
                gflop = [f"{speed.gflop:.3g}" for speed in self.variants]
                rows += [["matrix products a step [GFLOP]", *gflop]]
            unit = 100 if title.endswith("[%]") else 1
            spreads = [speed.figures[name] for speed in self.variants]
            rows += [[title, *("–" if spread is None else spread.text(unit) for spread in spreads)]]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join(
            [f"**{self._place()}**", "", *lines, "", f"* {self._method()}", f"* {self._rest()}", ""]
        )

    def save(self, folder: Path) -> Path:
        """Write ``<machine>.md`` and ``<machine>.json``; returns the former's path."""
        for ending, content in (("json", self.json() + "\n"), ("md", self.markdown())):
            path = folder / f"{self.machine}.{ending}"
            with paths.replacing(path, "w") as file:
                file.write(content)
        return path

    def _place(self) -> str:
        cores = f"{self.environment['cores']} cores of {self.environment['processor']}"
        place = f"{self.gpu} next to {cores}" if self.gpu else cores
        torch = self.environment["packages"]["torch"]
        return f"{place}, torch {torch}, Python {self.environment['python']}"

    def _method(self) -> str:
        side = "trials on streams of one GPU" if self.gpu else "single-threaded processes"
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

    def _rest(self) -> str:
        return (
            f"Sending a trial's whole record to MLflow took {self.mirroring:.2g} s of processor "
            f"time; `ganbench --help` answered in {self.help.text()} s, "
            f"`ganbench run {self.experiment} --dry-run` in {self.dry_run.text()} s."
        )
