"""FID during training: against images shown and against seconds."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from bench.analysis import statistics
from bench.analysis.figures import style
from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import GREY, Look, counts, looks, styled
from bench.analysis.learning_curves import LearningCurve
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import rows
from bench.evaluation.declarations import measure


@figure(
    title="FID over training",
    caption="Each mark is one seed; lines are geometric means over the seeds that finished, bands "
    "their 95 % t-intervals (on log FID). A cross is where a trial diverged.",
    place=1,
)
def fid(records: Records, curves: list[LearningCurve], samples: Samples) -> Figure | None:
    """Two panels, FID on a log axis; each seed's points, their geometric mean and 95 % interval."""
    if not curves:
        return None
    with styled():
        drawing = Figure(figsize=(9, 3.9))
        left, right = drawing.subplots(1, 2, sharey=True)
        look = looks(records.rows)
        for row in rows(records):
            mine = [curve for curve in curves if curve.trial.row == row.name]
            for axes, name in ((left, "images"), (right, "seconds")):
                _draw(axes, name, mine, look[row.name])
        _finish(left, right, records)
        style.legend_below(drawing, left)
    return drawing


def _draw(axes: Axes, name: str, mine: list[LearningCurve], look: Look) -> None:
    done = [curve for curve in mine if not curve.trial.diverged]
    for curve in mine:
        x = getattr(curve, name)
        axes.plot(x, curve.fid, look.marker, color=look.color, ms=3.2, mfc="white", mew=0.8,
                  zorder=3)  # fmt: skip
        if curve.trial.diverged:
            axes.plot(x, curve.fid, ls=look.dash, color=look.color, lw=0.6)
            axes.plot(x[-1:], curve.fid[-1:], "kx", ms=9, mew=2, zorder=4, label=style.DIVERGED)
    if not done:
        axes.plot([], [], ls=look.dash, marker=look.marker, mfc="white", color=look.color,
                  label=mine[0].trial.row if mine else None)  # fmt: skip
        return
    x, values = (_together(done, attribute) for attribute in (name, "fid"))
    middle = x.mean(axis=1)
    label = done[0].trial.row
    axes.plot(middle, np.exp(np.log(values).mean(axis=1)), ls=look.dash, color=look.color, lw=1.6)
    axes.plot([], [], ls=look.dash, marker=look.marker, mfc="white", color=look.color, label=label)
    if len(done) > 1:
        low, high = statistics.log_t_interval(values)
        axes.fill_between(middle, low, high, color=look.color, alpha=0.15, lw=0)


def _together(done: list[LearningCurve], name: str) -> np.ndarray:
    """(points, seeds) at the evaluation points that every finished seed has."""
    shared = set.intersection(*({*curve.images} for curve in done))
    return np.array(
        [getattr(curve, name)[[image in shared for image in curve.images]] for curve in done]
    ).T


def _finish(left: Axes, right: Axes, records: Records) -> None:
    left.set(yscale="log", ylabel=measure("fid").axis)
    left.set_xlabel("real images shown to the discriminator")
    left.set_title("FID by budget")
    right.set(xlabel="seconds of training (evaluation excluded)")
    right.set_title("FID by time")
    counts(left.xaxis)
    left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    left.yaxis.set_minor_formatter(NullFormatter())
    for axes in (left, right):
        axes.set_xlim(left=0)
        if floor := records.floor.get("fid"):
            axes.axhline(floor, color=GREY, lw=1, ls=(0, (1, 2)), label=style.FLOOR)
