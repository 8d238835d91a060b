"""Pictures of what the generators draw."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.comparison.figures.style import styled
from bench.comparison.gallery import Shown
from bench.comparison.summary import number

_PLACES = ("best", "median", "worst")


def sample_grids(shown: list[Shown]) -> Figure:
    """Last sample grid of the best, median and worst seed (columns) of each variant (rows)."""
    names = list(dict.fromkeys(one.trial.row for one in shown))
    with styled():
        figure = Figure(figsize=(7.2, 2.62 * len(names) + 0.2))
        axes = figure.subplots(len(names), len(_PLACES), squeeze=False)
        for name, line in zip(names, axes, strict=True):
            mine = [one for one in shown if one.trial.row == name]
            line[0].set_ylabel(name, fontweight="bold")
            for place, one in zip(_PLACES, line, strict=True):
                _draw(one, place, next((s for s in mine if place in s.places), None))
    return figure


def _draw(axes: Axes, place: str, one: Shown | None) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    if one is None:
        axes.text(0.5, 0.5, "no finished seed", ha="center", va="center", transform=axes.transAxes)
        return
    axes.imshow(one.last, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    fid = number(one.trial.final["fid"])
    axes.set_title(f"{place}: seed {one.trial.seed}, FID {fid}", fontsize=8, fontweight="normal")
