"""Every seed's final FID, and what the best of k seeds would have been."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from bench.analysis import statistics
from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import GREY, Look, looks, plain, styled
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import Row, rows
from bench.analysis.table import lettered
from bench.analysis.verdicts import groups, pairs
from bench.evaluation.declarations import measure


@figure(
    title="Every seed",
    caption="Left: each mark is one seed, the black bar is the geometric mean with its 95 % "
    "t-interval (on log FID); n counts the seeds that finished. Variants that share a letter in "
    "square brackets are not distinguishable, or have too few seeds. Right: the best FID to be "
    "expected of k seeds, drawn without replacement.",
    place=2,
)
def seeds(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure:
    """Left: each seed, the geometric mean and its 95 % interval. Right: E[best FID of k seeds]."""
    table = rows(records)
    look = looks(records.rows)
    with styled():
        drawing = Figure(figsize=(9, 1.6 + 0.42 * len(table) + 0.4))
        left, right = drawing.subplots(1, 2, width_ratios=(3, 2))
        for place, row in enumerate(table):
            _points(left, place, row, look[row.name])
            _best_of(right, row, look[row.name])
        _label(
            left,
            _names(records),
            records.floor.get("fid"),
        )
        right.set(xlabel="k seeds, drawn from those that finished", yscale="log")
        right.set_title("Expected best FID of k seeds")
        most = max(1, *(len(row.done) for row in table))
        right.set_xlim(0.5, most + 0.5)
        right.xaxis.set_major_locator(MultipleLocator(max(1, most // 10)))
        plain(right.yaxis)
    return drawing


def _names(records: Records) -> list[str]:
    """``wgan (n = 8) [c]``: the seeds that finished, and the letters of the table's groups."""
    table = rows(records)
    letters = groups(table, pairs(table, "fid")) if lettered(records) else {}
    return [
        f"{row.name} (n = {len(row.done)})"
        + (f" [{letters[row.name]}]" if row.name in letters else "")
        for row in table
    ]


def _points(axes: Axes, place: int, row: Row, look: Look) -> None:
    values = np.array(row.final("fid").values)
    # Seeds side by side, so that equal values stay visible.
    spread = 0.18 * np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, place + spread, look.marker, color=look.color, mfc="white", ms=5)
    if len(values) > 1:
        low, high = statistics.log_t_interval(values)
        middle = np.exp(np.log(values).mean())
        axes.plot([low, high], [place + 0.34] * 2, color="black", lw=1.5)
        axes.plot([middle], [place + 0.34], "|", color="black", ms=9, mew=2)
    if len(row.diverged):
        count = "1 diverged" if len(row.diverged) == 1 else f"{len(row.diverged)} diverged"
        axes.text(1.0, place, f"× {count}", transform=axes.get_yaxis_transform(), va="center",
                  fontsize=8)  # fmt: skip


def _best_of(axes: Axes, row: Row, look: Look) -> None:
    values = np.array(row.final("fid").values)
    if len(values):
        best = statistics.best_of(values)
        axes.plot(np.arange(1, len(best) + 1), best, ls=look.dash, marker=look.marker, mfc="white",
                  color=look.color)  # fmt: skip


def _label(axes: Axes, names: Sequence[str], floor: float | None) -> None:
    axes.set(yticks=range(len(names)), yticklabels=names, xscale="log", xlabel=measure("fid").axis)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title("FID of every seed, geometric mean, 95 % interval")
    if floor:
        axes.axvline(floor, color=GREY, ls=(0, (1, 2)), lw=1)
        axes.text(floor, 1.0, " floor", transform=axes.get_xaxis_transform(), color=GREY,
                  fontsize=8, va="top")  # fmt: skip
    plain(axes.xaxis)
