"""Pictures of what the generators draw."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import styled
from bench.analysis.records import Records
from bench.analysis.sample_selection import SampleGrids, Samples, pixels
from bench.analysis.summary import trimmed
from bench.datasets.pixels import ACROSS, GAP, WHITE

_PLACES = ("best", "median", "worst")
_LATENTS = 3


@figure(
    title="Samples of the best, median and worst seed",
    caption="The last sample grid, from the same latents for every variant.",
    place=5,
    of_pictures=True,
    on_page=False,
)
def samples(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """Last sample grid of the best, median and worst seed (columns) of each variant (rows)."""
    grids = samples.get("samples", [])
    names = list(dict.fromkeys(grid.row for grid in grids))
    if not names:
        return None
    with styled():
        drawing = Figure(figsize=(7.2, 2.62 * len(names) + 0.2))
        panels = drawing.subplots(len(names), len(_PLACES), squeeze=False)
        for name, line in zip(names, panels, strict=True):
            mine = [grid for grid in grids if grid.row == name]
            line[0].set_ylabel(name, fontweight="bold")
            for place, axes in zip(_PLACES, line, strict=True):
                _draw(axes, place, next((g for g in mine if place in g.places), None))
    return drawing


def _draw(axes: Axes, place: str, grids: SampleGrids | None) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    if grids is None:
        axes.text(0.5, 0.5, "no finished seed", ha="center", va="center", transform=axes.transAxes)
        return
    axes.imshow(grids.last, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
    title = f"{place}: seed {grids.seed}, FID {trimmed(grids.fid)}"
    axes.set_title(title, fontsize=8, fontweight="normal")


@figure(
    title="One latent over training",
    caption="The same three latents of the median seed at each evaluation point.",
    place=6,
    of_pictures=True,
)
def paths(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """What a latent becomes over training: the first cells of each median seed's grids.

    None where no picture is made of cells or there is one evaluation point only.
    """
    medians = _medians(samples.get("samples", []))
    strips = [(g, path) for g in medians if (path := _path(g, _LATENTS)) is not None]
    if not strips:
        return None
    steps = max(len(path) for _, path in strips)
    with styled():
        height = 0.35 + (0.62 * _LATENTS + 0.3) * len(strips)
        drawing = Figure(figsize=(max(3.5, 0.4 + 0.62 * steps), height))
        panels = drawing.subplots(len(strips), squeeze=False)[:, 0]
        for axes, (grids, path) in zip(panels, strips, strict=True):
            _strip(axes, path, sorted(grids.pngs))
            axes.set_title(f"{grids.row}, seed {grids.seed}", fontsize=8)
            axes.set_xlim(-0.5, path.shape[2] * steps - 0.5)
        axes.set_xlabel("real samples shown; each line is one latent")
    return drawing


@figure(
    title="Class by class",
    caption="What the median seed of each conditional variant draws when it is asked for a class: "
    "a line a class.",
    place=6.5,
    of_pictures=True,
)
def classes(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    return _logged(samples.get("classes", []))


@figure(
    title="From latent to latent",
    caption="The median seed's generator on spherical walks, a line each, between latents of the "
    "sample grid.",
    place=7,
    of_pictures=True,
)
def interpolation(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    return _logged(samples.get("interpolation", []))


@figure(
    title="Nearest training images",
    caption="The median seed's samples, each with the training image nearest to it in the "
    "evaluator's features on its right.",
    place=8,
    of_pictures=True,
)
def neighbours(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    return _logged(samples.get("neighbours", []))


def _logged(grids: list[SampleGrids]) -> Figure | None:
    """The newest picture of each variant's median seed, as it was logged; None without any."""
    medians = _medians(grids)
    if not medians:
        return None
    with styled():
        heights = [m.last.shape[0] / m.last.shape[1] for m in medians]
        drawing = Figure(figsize=(7, sum(7 * height + 0.4 for height in heights)))
        panels = drawing.subplots(len(medians), squeeze=False, height_ratios=heights)[:, 0]
        for axes, median in zip(panels, medians, strict=True):
            axes.imshow(median.last, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(f"{median.row}, seed {median.seed}", fontsize=8)
    return drawing


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


def _medians(grids: list[SampleGrids]) -> list[SampleGrids]:
    return [g for g in grids if "median" in g.places]


def _path(grids: SampleGrids, count: int) -> np.ndarray | None:
    """(steps, height · count, width[, 3]): the first cells of each grid, one below the other."""
    columns = [cells(pixels(png), count) for _, png in sorted(grids.pngs.items())]
    kept = [np.concatenate(column) for column in columns if column is not None]
    return np.array(kept) if len(kept) == len(columns) > 1 else None


def _strip(axes: Axes, path: np.ndarray, steps: list[int]) -> None:
    strip, width = np.concatenate(path, axis=1), path.shape[2]
    axes.imshow(strip, cmap="gray", vmin=0, vmax=WHITE, interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(yticks=[], xticks=[width * (i + 0.5) - 0.5 for i in range(len(steps))])
    # To whole batches, so that the points lie a few images off what was asked for.
    labels = [EngFormatter(sep=" ")(float(f"{step:.3g}")) for step in steps]
    axes.set_xticklabels(labels, fontsize=7)
    axes.tick_params(length=0)
