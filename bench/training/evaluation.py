"""Measuring a trial at a point of its budget: samples of a fixed stream, the evaluator, a grid."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bench import seeding
from bench.datasets import pixels
from bench.evaluation import Evaluator
from bench.training.curves import Diverged
from bench.variants import Algorithm

_GRID = 64


def samples(algorithm: Algorithm, n: int, seed: int) -> Tensor:
    """(n, 1, 28, 28) uint8, from latents that are the same at every point and for every variant.

    Args:
        algorithm: what to sample.
        n: how many images.
        seed: the trial's.

    Raises:
        Diverged: an image is not finite.
    """
    images = algorithm.sample(n, seeding.generator("evaluation", seed))
    if not images.isfinite().all():
        raise Diverged("a generated image is not finite")
    return pixels.to_grid(images).cpu()


@dataclass(frozen=True)
class Measured:
    """The ruler's numbers, its words (the missing digits), and the numbers' sampling noise."""

    values: dict[str, float]
    words: dict[str, str]
    noise: dict[str, float]


def measure(evaluator: Evaluator, images: Tensor, *, last: bool) -> Measured:
    """What the evaluator says of the images: all at the last point, else the cheap metrics."""
    found = evaluator.score(images, thorough=last)
    words = {name: value for name, value in found.metrics.items() if isinstance(value, str)}
    values = {k: float(v) for k, v in found.metrics.items() if k not in words}
    return Measured(values, words, found.noise)


def grid(images: Tensor, path: Path) -> None:
    """Write the first 64 images as an 8 × 8 PNG."""
    from torchvision.utils import make_grid, save_image

    path.parent.mkdir(exist_ok=True)
    tiles = make_grid(images[:_GRID].to(torch.float32) / 255, nrow=8, padding=2, pad_value=0.5)
    save_image(tiles, path, format="png")
