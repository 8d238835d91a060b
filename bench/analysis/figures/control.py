"""Each variant against the control: how much better or worse, with the interval of the verdict."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import GREY, plain, styled
from bench.analysis.narrative import level_text
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import rows
from bench.analysis.verdicts import Pair, pairs
from bench.evaluation.declarations import measure

_COLOURS = {"better": "#009E73", "worse": "#D55E00"}


@figure(
    title="Against the control",
    caption="Left of the line is better than the control, right of it is worse. The bar is the "
    "interval of the verdict: it crosses the line exactly where the two are not distinguishable. "
    "A mark without a bar has too few seeds, or a diverged trial.",
    place=0,
)
def control(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """The ratio or difference of FID to the control's, a line a variant; None without a control."""
    compared = pairs(rows(records), "fid", records.control) if records.control else []
    drawn = [pair for pair in compared if pair.effect is not None]
    if not drawn:
        return None
    with styled():
        drawing = Figure(figsize=(7, 1.2 + 0.3 * len(drawn)))
        axes = drawing.subplots()
        for place, pair in enumerate(drawn):
            _line(axes, place, pair)
        axes.set(yticks=range(len(drawn)), yticklabels=[pair.a for pair in drawn])
        axes.set_ylim(len(drawn) - 0.5, -0.5)
        axes.axvline(1 if drawn[0].ratio else 0, color=GREY, lw=1)
        label = measure("fid").label
        many = "divided by" if drawn[0].ratio else "minus"
        axes.set_xlabel(f"{label} {many} that of {records.control} ({level_text(drawn[0])})")
        if drawn[0].ratio:
            axes.set_xscale("log")
            plain(axes.xaxis)
    return drawing


def _line(axes: Axes, place: int, pair: Pair) -> None:
    color = _COLOURS.get(pair.verdict, "black")
    face = color if pair.significant else "white"
    axes.plot(float(pair.effect or 0), place, "o", color=color, mfc=face)
    if pair.low is not None and pair.high is not None:
        axes.plot([pair.low, pair.high], [place, place], color=color, lw=1.5)
    axes.text(1.01, place, pair.verdict, transform=axes.get_yaxis_transform(), va="center",
              fontsize=8, color=color)  # fmt: skip
