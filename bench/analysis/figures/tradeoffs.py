"""Fidelity against diversity: precision–recall and density–coverage, one point a seed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.figures import style
from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import looks, styled
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import recorded, rows
from bench.analysis.table import FLOOR
from bench.evaluation.declarations import measure

_PLANES = (("recall", "precision"), ("coverage", "density"))


@figure(
    title="Fidelity and diversity",
    caption="Each mark is one seed at the end of training; the star, where there is one, is what "
    "real data gets. A generator that draws only one kind of image can lie high and far left.",
    place=4,
)
def tradeoffs(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """One panel for each pair of measures that was recorded; None when neither was."""
    names = recorded(records.trials)
    planes = [plane for plane in _PLANES if set(plane) <= set(names)]
    if not planes:
        return None
    with styled():
        drawing = Figure(figsize=(4.5 * len(planes), 4))
        panels = drawing.subplots(1, len(planes), squeeze=False)[0]
        for axes, (x, y) in zip(panels, planes, strict=True):
            _plane(axes, x, y, records)
        style.legend_below(drawing, panels[0])
    return drawing


def _plane(axes: Axes, x: str, y: str, records: Records) -> None:
    look = looks(records.rows)
    for row in rows(records):
        points = row.done[[f"final/{x}", f"final/{y}"]].dropna()
        axes.plot(*points.to_numpy(float).T, look[row.name].marker,
                  color=look[row.name].color, mfc="white", ls="", label=row.name)  # fmt: skip
    if x in records.floor and y in records.floor:
        axes.plot(records.floor[x], records.floor[y], "k*", ms=11, label=FLOOR)
    axes.set(xlabel=measure(x).axis, ylabel=measure(y).axis)
    axes.set_title(f"{measure(y).label.capitalize()} and {measure(x).label}")
