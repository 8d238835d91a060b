"""The one style: colour-blind-safe colours, and a marker and a dash that survive greyscale."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, StrMethodFormatter

from bench.analysis.table import FLOOR
from bench.paths import replacing

# Okabe and Ito's palette, its yellow left out (too light on white).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_SETTINGS: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 160,
    "pdf.fonttype": 42,
}
GREY = "#666666"
DIVERGED = "diverged here"


@dataclass(frozen=True)
class Look:
    """How one variant is drawn, in every figure alike."""

    color: str
    marker: str
    dash: Any


def looks(names: list[str]) -> dict[str, Look]:
    """A look for each name, by its place in alphabetical order."""
    return {
        name: Look(
            _COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)], _DASHES[i % len(_DASHES)]
        )
        for i, name in enumerate(sorted(names))
    }


@contextmanager
def styled() -> Iterator[None]:
    """Draw without a screen and in the house style."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def saved(figure: Figure | None, folder: Path, name: str) -> list[Path]:
    """Write ``name``.png and ``name``.pdf, whole or not at all; the same figure, the same bytes.

    Without a figure, remove the files of an earlier time.
    """
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    for path in paths:
        if figure is None:
            path.unlink(missing_ok=True)
            continue
        undated = {"CreationDate": None} if path.suffix == ".pdf" else {}
        with styled(), replacing(path) as file:
            figure.savefig(file, format=path.suffix[1:], metadata=undated)
    return paths if figure else []


def counts(axis: Any) -> None:
    """Ticks as 400 k, 1.5 M."""
    axis.set_major_formatter(EngFormatter(sep=" "))


def plain(axis: Any) -> None:
    """1, 2, 5, 10 … instead of powers of ten, on an axis in logarithms."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def legend_below(figure: Figure, axes: Axes) -> None:
    """One legend under all panels: the variants first, a label that several lines carry once."""
    once = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    names = sorted(once, key=lambda label: label in (DIVERGED, FLOOR))
    figure.legend([once[name] for name in names], names, loc="outside lower center",
                  ncols=min(6, len(names)), fontsize=8)  # fmt: skip
