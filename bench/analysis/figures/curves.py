"""FID during training: against images shown and against seconds."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis import statistics
from bench.analysis.figures import style
from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import GREY, Look, counts, looks, plain, styled
from bench.analysis.frames import fid_over_training
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import Row, rows
from bench.analysis.table import FLOOR
from bench.evaluation.declarations import measure


@figure(
    title="FID over training",
    caption="Each mark is one seed; lines are geometric means over the seeds that finished, bands "
    "their 95 % t-intervals (on log FID). A cross is where a trial diverged.",
    place=1,
)
def fid(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """Two panels, FID on a log axis; each seed's points, their geometric mean and 95 % interval."""
    points = fid_over_training(curves)
    if points.empty:
        return None
    with styled():
        drawing = Figure(figsize=(9, 3.9))
        left, right = drawing.subplots(1, 2, sharey=True)
        look = looks(records.rows)
        for row in rows(records):
            for axes, x in ((left, "images"), (right, "seconds")):
                _draw(axes, row, points.reset_index("images"), x, look[row.name])
        _finish(left, right, records)
        style.legend_below(drawing, left)
    return drawing


def _draw(axes: Axes, row: Row, points: pd.DataFrame, x: str, look: Look) -> None:
    evaluated = set(points.index)
    for run_id in (run_id for run_id in row.trials.index if run_id in evaluated):
        mine = points.loc[[run_id]]
        axes.plot(mine[x], mine["fid"], look.marker, color=look.color, ms=3.2, mfc="white", mew=0.8,
                  zorder=3)  # fmt: skip
        if run_id in row.diverged.index:
            axes.plot(mine[x], mine["fid"], ls=look.dash, color=look.color, lw=0.6)
            axes.plot(mine[x][-1:], mine["fid"][-1:], "kx", ms=9, mew=2, zorder=4,
                      label=style.DIVERGED)  # fmt: skip
    if evaluated & set(row.trials.index):
        axes.plot([], [], ls=look.dash, marker=look.marker, mfc="white", color=look.color,
                  label=row.name)  # fmt: skip
    if done := [run_id for run_id in row.done.index if run_id in evaluated]:
        _mean(axes, points.loc[done], done, x, look)


def _mean(axes: Axes, points: pd.DataFrame, done: list[str], x: str, look: Look) -> None:
    """The geometric mean and its interval at the evaluation points that every seed has."""
    wide = points.assign(x=points[x]).set_index("images", append=True)[["x", "fid"]].unstack(0)
    wide = wide.dropna()
    middle, values = wide["x"][done].to_numpy().mean(axis=1), wide["fid"][done].to_numpy()
    axes.plot(middle, np.exp(np.log(values).mean(axis=1)), ls=look.dash, color=look.color, lw=1.6)
    if len(done) > 1:
        low, high = statistics.log_t_interval(values)
        axes.fill_between(middle, low, high, color=look.color, alpha=0.15, lw=0)


def _finish(left: Axes, right: Axes, records: Records) -> None:
    left.set(yscale="log", ylabel=measure("fid").axis)
    left.set_xlabel("real samples shown to the discriminator")
    left.set_title("FID by budget")
    right.set(xlabel="seconds of training (evaluation excluded)")
    right.set_title("FID by time")
    counts(left.xaxis)
    plain(left.yaxis)
    for axes in (left, right):
        axes.set_xlim(left=0)
        if floor := records.floor.get("fid"):
            axes.axhline(floor, color=GREY, lw=1, ls=(0, (1, 2)), label=FLOOR)
