"""The evaluator of MNIST: two digit classifiers, and sets of digits of known quality."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from bench import paths, seeding, settings
from bench.datasets import mnist, pixels
from bench.evaluation import extractor, identity, inception
from bench.evaluation.declarations import ALT, INCEPTION
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.identity import SAMPLES


def evaluator() -> Evaluator:
    """The shipped classifier as the evaluator, and the second shipped one next to it.

    Where ``GANBENCH_INCEPTION`` names Inception's weights, that network is a third.

    Raises:
        UserError: the weights are missing or altered.
    """
    others = {ALT: partial(extractor.shipped, identity.ALTERNATIVE)}
    if weights := paths.given(settings.INCEPTION):
        others[INCEPTION] = partial(inception.extractor, weights)
    return Evaluator(extractor.shipped(identity.DIGITS), others, SETS)


def replay() -> Tensor:
    """The first 10,000 training images, as a generator would draw them that only copies."""
    return mnist.load("train").images[:SAMPLES]


def nine_digits() -> Tensor:
    """Held-out images of the digits 0 to 8, repeated up to 10,000."""
    held = mnist.load("heldout")
    return _repeated(held.images[held.labels < 9])


def blurred() -> Tensor:
    """The test images under a Gaussian blur of one pixel."""
    at = torch.arange(-3.0, 4.0)
    weights = (-at.square() / 2).exp()
    weights /= weights.sum()
    images = F.pad(pixels.to_float(mnist.load("test").images), (3, 3, 3, 3), value=-1.0)
    return pixels.to_grid(
        F.conv2d(F.conv2d(images, weights.view(1, 1, 7, 1)), weights.view(1, 1, 1, 7))
    )


def one_digit() -> Tensor:
    """Held-out images of the digit 1, repeated up to 10,000."""
    held = mnist.load("heldout")
    return _repeated(held.images[held.labels == 1])


def ten_images() -> Tensor:
    """The first held-out image of each digit, repeated up to 10,000."""
    held = mnist.load("heldout")
    return _repeated(torch.stack([held.images[held.labels == d][0] for d in range(10)]))


def noise() -> Tensor:
    """Uniform noise on the grid of grey levels."""
    stream = seeding.generator("calibration", 0)
    return torch.randint(0, 256, (SAMPLES, 1, 28, 28), generator=stream, dtype=torch.uint8)


SETS: dict[str, Callable[[], Tensor]] = {
    "replay of the training set": replay,
    "digits 0-8 only": nine_digits,
    "blurred test images": blurred,
    "ten images repeated": ten_images,
    "one digit": one_digit,
    "uniform noise": noise,
}


def _repeated(images: Tensor) -> Tensor:
    return images.repeat(-(-SAMPLES // len(images)), 1, 1, 1)[:SAMPLES]
