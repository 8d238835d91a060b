"""What each further setting of a search would have bought."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.analysis import search
from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import Look, legend_below, looks, plain, styled
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples

_ENOUGH = 2


@figure(
    title="What more settings buy",
    caption="The best held-out FID to be expected of k settings, drawn from those that the search "
    "tried, by their number and by the time of their training. The band is the 95 % bootstrap "
    "interval over the settings. A setting that diverged counts as the worst of all that did not. "
    "The best of many is too good: the table of the search has its value on fresh seeds.",
    place=2.5,
)
def search_budget(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """E[best of k settings] over k and over minutes; None without a search."""
    values = records.search.get("value", pd.Series(dtype=float)).to_numpy(float)
    if not np.isfinite(values).any():
        return None
    worst = float(values[np.isfinite(values)].max())
    rows = {row: own for row, own in search.by_row(records.search) if len(own) >= _ENOUGH}
    look = looks(list(rows))
    with styled():
        drawing = Figure(figsize=(9, 4))
        panels = drawing.subplots(1, 2, sharey=True)
        for row, own in rows.items():
            _curves(panels, row, own, worst, look[row])
        for axes, label in zip(panels, ("k settings", "minutes of training"), strict=True):
            axes.set(xlabel=label, yscale="log")
            plain(axes.yaxis)
        panels[0].set_ylabel("expected best held-out FID ↓")
        panels[0].xaxis.set_major_locator(MaxNLocator(integer=True))
        legend_below(drawing, panels[0])
    return drawing


def _curves(panels: "np.ndarray", row: str, own: pd.DataFrame, worst: float, look: Look) -> None:
    expected, low, high = search.expected_best(own["value"].to_numpy(float), worst)
    k = np.arange(1, len(expected) + 1)
    for axes, x in zip(panels, (k, k * own["seconds"].mean() / 60), strict=True):
        _curve(axes, x, (expected, low, high), row, look)


def _curve(axes: Axes, x: "np.ndarray", ys: "tuple[np.ndarray, ...]", row: str, look: Look) -> None:
    axes.fill_between(x, ys[1], ys[2], color=look.color, alpha=0.12, lw=0)
    axes.plot(x, ys[0], ls=look.dash, color=look.color, marker=look.marker, mfc="white", ms=4,
              label=row)  # fmt: skip
