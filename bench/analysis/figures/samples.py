"""Pictures of what the generators draw."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from bench.analysis.figures.style import styled
from bench.analysis.sample_selection import Shown, pixels
from bench.analysis.summary import trimmed
from bench.datasets.pixels import ACROSS, GAP, WHITE

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
    axes.imshow(one.last, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
    fid = trimmed(one.trial.final["fid"])
    axes.set_title(f"{place}: seed {one.trial.seed}, FID {fid}", fontsize=8, fontweight="normal")


def latent_paths(shown: list[Shown], count: int = 3) -> Figure | None:
    """What one latent becomes over training: the first cells of each median seed's grids.

    None where no picture is made of cells or there is one evaluation point only.
    """
    paths = [(one, path) for one in _medians(shown) if (path := _path(one, count)) is not None]
    if not paths:
        return None
    steps = max(len(path) for _, path in paths)
    with styled():
        height = 0.35 + (0.62 * count + 0.3) * len(paths)
        figure = Figure(figsize=(max(3.5, 0.4 + 0.62 * steps), height))
        for axes, (one, path) in zip(
            figure.subplots(len(paths), squeeze=False)[:, 0], paths, strict=True
        ):
            _strip(axes, path, sorted(one.grids))
            axes.set_title(f"{one.trial.row}, seed {one.trial.seed}", fontsize=8)
            axes.set_xlim(-0.5, path.shape[2] * steps - 0.5)
        axes.set_xlabel("real images shown; each line is one latent")
    return figure


def logged_pictures(shown: list[Shown]) -> Figure | None:
    """The newest picture of each variant's median seed, as it was logged; None without any."""
    medians = _medians(shown)
    if not medians:
        return None
    with styled():
        heights = [one.last.shape[0] / one.last.shape[1] for one in medians]
        figure = Figure(figsize=(7, sum(7 * height + 0.4 for height in heights)))
        panels = figure.subplots(len(medians), squeeze=False, height_ratios=heights)[:, 0]
        for axes, one in zip(panels, medians, strict=True):
            axes.imshow(one.last, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(f"{one.trial.row}, seed {one.trial.seed}", fontsize=8)
    return figure


def cells(picture: np.ndarray, count: int) -> np.ndarray | None:
    """The first ``count`` cells of a grid as `bench.datasets.pixels` draws it, row by row.

    Returns:
        (count, height, width) or (count, height, width, 3), or None where it is no such grid.
    """
    sides = [divmod(side - GAP, ACROSS) for side in picture.shape[:2]]
    (height, down), (width, across) = sides
    if down or across or count > ACROSS**2:
        return None
    places = [divmod(index, ACROSS) for index in range(count)]
    corners = [(GAP + height * row, GAP + width * column) for row, column in places]
    return np.array([picture[y : y + height - GAP, x : x + width - GAP] for y, x in corners])


def _medians(shown: list[Shown]) -> list[Shown]:
    return [one for one in shown if "median" in one.places]


def _path(one: Shown, count: int) -> np.ndarray | None:
    """(steps, height · count, width[, 3]): the first cells of each grid, one below the other."""
    columns = [cells(pixels(png), count) for _, png in sorted(one.grids.items())]
    kept = [np.concatenate(column) for column in columns if column is not None]
    return np.array(kept) if len(kept) == len(columns) > 1 else None


def _strip(axes: Axes, path: np.ndarray, steps: list[int]) -> None:
    strip, width = np.concatenate(path, axis=1), path.shape[2]
    axes.imshow(strip, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(yticks=[], xticks=[width * (i + 0.5) - 0.5 for i in range(len(steps))])
    # To whole batches, so that the points lie a few images off what was asked for.
    told = [EngFormatter(sep=" ")(float(f"{step:.3g}")) for step in steps]
    axes.set_xticklabels(told, fontsize=7)
    axes.tick_params(length=0)
