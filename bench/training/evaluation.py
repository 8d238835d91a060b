"""Measuring a trial at a point of its budget: samples from a fixed stream, the ruler, a grid."""

from pathlib import Path

import torch
from torch import Tensor

from bench import streams
from bench.data import pixels
from bench.ruler import Ruler
from bench.training.curves import Diverged
from bench.variants import Algorithm

_GRID = 64
_DRAWS = 4


def samples(algorithm: Algorithm, n: int, seed: int, draw: int = 0) -> Tensor:
    """(n, 1, 28, 28) uint8, from latents that are the same at every point and for every variant.

    Args:
        algorithm: what to sample.
        n: how many images.
        seed: the trial's.
        draw: which stream of latents; 0 for the reported numbers, others for their sampling noise.

    Raises:
        Diverged: an image is not finite.
    """
    images = algorithm.sample(n, streams.generator("evaluation", seed, draw))
    if not images.isfinite().all():
        raise Diverged("a generated image is not finite")
    return pixels.to_grid(images)


def noise(ruler: Ruler, algorithm: Algorithm, n: int, seed: int) -> dict[str, float]:
    """The standard deviation of each cheap metric over four draws from one network.

    It is the part of a number's uncertainty that more samples would remove, apart from the spread
    over training seeds, which they would not.
    """
    spread = ruler.sampling_noise(lambda draw: samples(algorithm, n, seed, draw), range(_DRAWS))
    return {name: float(value) for name, value in spread.items()}


def measure(ruler: Ruler, images: Tensor, *, last: bool) -> tuple[dict[str, float], dict[str, str]]:
    """The ruler's numbers, all of them at the last point, and its words (the missing digits)."""
    measured = ruler.measure(images, thorough=last)
    words = {name: value for name, value in measured.items() if isinstance(value, str)}
    return {k: float(v) for k, v in measured.items() if k not in words}, words


def grid(images: Tensor, path: Path) -> None:
    """Write the first 64 images as an 8 × 8 PNG."""
    from torchvision.utils import make_grid, save_image

    path.parent.mkdir(exist_ok=True)
    tiles = make_grid(images[:_GRID].to(torch.float32) / 255, nrow=8, padding=2, pad_value=0.5)
    save_image(tiles, path, format="png")
