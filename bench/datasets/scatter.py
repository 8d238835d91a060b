"""Scatter plots as small PNGs, drawn without matplotlib, which takes a second to load."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.pixels import WHITE

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

SIDE = 200
"""Pixels of a picture in each direction. It is not that of a grid of images (`pixels`)."""
_MOST = 1000  # dots: more make a picture heavier, not clearer
_FINER = 3  # drawn so much larger, then reduced: soft edges
_DOT = 0.9  # pixels: the radius of a sample
_DOTS, _CIRCLES = "black", "#009E73"
_LOW, _HIGH = (0.42, 0.62, 0.87), (0.95, 0.68, 0.45)  # blue and orange: also for the colour-blind
_LEVELS = 4  # of each of the two colours


def draw(
    samples: "Tensor",
    circles: Iterable[tuple[float, float, float]],
    reach: float,
    path: Path,
    surface: "Tensor | None" = None,
) -> None:
    """Write the first thousand points as dots into the square from −reach to reach.

    What lies outside is not shown.

    Args:
        samples: (N, 2).
        circles: centres and radii, drawn as outlines.
        reach: of the picture, in the samples' units.
        path: of the PNG.
        surface: (side, side) numbers from the top left, shown behind: blue low, orange high.
    """
    from PIL import Image, ImageDraw

    side = _FINER * SIDE
    picture = Image.new("RGB", (side, side), "white")
    if surface is not None:
        picture = Image.fromarray(_colours(surface, side))
    pen = ImageDraw.Draw(picture)

    def ellipse(x: float, y: float, radius: float, **look: object) -> None:
        across, down = (1 + x / reach) * side / 2, (1 - y / reach) * side / 2
        pen.ellipse([across - radius, down - radius, across + radius, down + radius], **look)  # type: ignore[arg-type]

    for x, y in samples[:_MOST].tolist():
        ellipse(x, y, _DOT * _FINER, fill=_DOTS)
    for x, y, radius in circles:
        ellipse(x, y, max(radius / reach * side / 2, 4 * _FINER), outline=_CIRCLES, width=_FINER)
    picture.resize((SIDE, SIDE), Image.Resampling.BOX).save(path, format="PNG", optimize=True)


def _colours(surface: "Tensor", side: int) -> "np.ndarray":
    """(side, side, 3) uint8: steps of equal area, because logits have no common scale."""
    import torch
    from torch.nn import functional as F

    ranks = surface.flatten().argsort().argsort().view(1, 1, *surface.shape).float()
    finer = F.interpolate(ranks / ranks.numel(), (side, side), mode="bilinear")[0, 0, :, :, None]
    shade = ((2 * finer - 1) * (_LEVELS + 0.5)).round() / _LEVELS
    ends = torch.where(shade < 0, torch.tensor(_LOW), torch.tensor(_HIGH))
    return (WHITE * (1 - shade.abs() * (1 - ends))).clamp(0, WHITE).byte().numpy()
