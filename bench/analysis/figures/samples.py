"""Pictures of what the generators draw."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from bench.analysis.figures.style import styled
from bench.analysis.sample_selection import Shown, pixels
from bench.analysis.summary import trimmed

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
    fid = trimmed(one.trial.final["fid"])
    axes.set_title(f"{place}: seed {one.trial.seed}, FID {fid}", fontsize=8, fontweight="normal")


def latent_paths(shown: list[Shown], count: int = 3) -> Figure | None:
    """What one latent becomes over training: the first cells of each median seed's grids.

    None where no grid is made of 28 × 28 cells or there is one evaluation point only.
    """
    paths = [(one, strip) for one in _medians(shown) if (strip := _path(one, count)) is not None]
    if not paths:
        return None
    steps = max(len(one.grids) for one, _ in paths)
    with styled():
        height = 0.35 + (0.62 * count + 0.3) * len(paths)
        figure = Figure(figsize=(max(3.5, 0.4 + 0.62 * steps), height))
        for axes, (one, strip) in zip(
            figure.subplots(len(paths), squeeze=False)[:, 0], paths, strict=True
        ):
            _strip(axes, strip, sorted(one.grids))
            axes.set_title(f"{one.trial.row}, seed {one.trial.seed}", fontsize=8)
            axes.set_xlim(-0.5, 28 * steps - 0.5)
        axes.set_xlabel("real images shown; each line of digits is one latent")
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
            axes.imshow(one.last, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(f"{one.trial.row}, seed {one.trial.seed}", fontsize=8)
    return figure


def cells(grid: np.ndarray, count: int) -> np.ndarray | None:
    """The first ``count`` 28 × 28 cells of a grid with 2, 1 or 0 pixels between them, row by row.

    Returns:
        (count, 28, 28) uint8, or None when the grid is not made of such cells or has too few.
    """
    height, width = grid.shape
    for gap in (2, 1, 0):
        if (height - gap) % (28 + gap) == 0 == (width - gap) % (28 + gap):
            across, down = (width - gap) // (28 + gap), (height - gap) // (28 + gap)
            starts = [(gap + r * (28 + gap), gap + c * (28 + gap))
                      for r in range(down) for c in range(across)]  # fmt: skip
            if len(starts) >= count:
                return np.array([grid[y : y + 28, x : x + 28] for y, x in starts[:count]])
    return None


def _medians(shown: list[Shown]) -> list[Shown]:
    return [one for one in shown if "median" in one.places]


def _path(one: Shown, count: int) -> np.ndarray | None:
    """(28 · count, 28 · steps): latents down, training across."""
    columns = [cells(pixels(png), count) for _, png in sorted(one.grids.items())]
    kept = [column.reshape(28 * count, 28) for column in columns if column is not None]
    return np.hstack(kept) if len(kept) == len(columns) > 1 else None


def _strip(axes: Axes, strip: np.ndarray, steps: list[int]) -> None:
    axes.imshow(strip, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(yticks=[], xticks=[28 * i + 13.5 for i in range(len(steps))])
    # To whole batches, so that the points lie a few images off what was asked for.
    told = [EngFormatter(sep=" ")(float(f"{step:.3g}")) for step in steps]
    axes.set_xticklabels(told, fontsize=7)
    axes.tick_params(length=0)
