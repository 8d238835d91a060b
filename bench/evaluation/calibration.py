"""Known sets of images sent through the evaluator: what each metric can and cannot see."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from bench import paths, seeding
from bench.datasets import mnist, pixels
from bench.evaluation import suite
from bench.evaluation.declarations import EACH, Value
from bench.evaluation.floor import mean
from bench.evaluation.identity import SAMPLES
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

if TYPE_CHECKING:
    from bench.evaluation.evaluator import Evaluator

SHIPPED = Path(__file__).parent / "weights" / "calibration.json"
FLOOR = "held-out training images (floor)"
HALVES = "disjoint training halves"
_DRAWS = 10


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


def rows(evaluator: "Evaluator") -> list[dict[str, Value]]:
    """One row a set, the floor first; a spread over draws stands beside its mean as ``…_sd``.

    Each row is kept in the store as soon as it is known. ``n`` is the number of images in its set,
    whatever the n of the table that it stands beside.
    """
    table: list[dict[str, Value]] = [
        {"row": FLOOR, "n": SAMPLES, **evaluator.floor(SAMPLES, thorough=True)},
        {"row": HALVES, "n": SAMPLES, **_known_halves(evaluator)},
    ]
    for name, images in SETS.items():
        table.append({"row": name, "n": SAMPLES, **_known(evaluator, images)})
    return table


def shipped(evaluator: "Evaluator") -> list[dict[str, Value]] | None:
    """The rows that come with the pinned evaluator; None for any other evaluator.

    They are constants of the evaluator and the data set, worked out by ``ganbench calibrate``, so
    that a table need not spend two minutes on them.
    """
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    if content["ids"] != ids(evaluator):
        return None
    found: list[dict[str, Value]] = content["rows"]
    return found


def ids(evaluator: "Evaluator") -> list[str]:
    """What the rows depend on beside the metrics' code."""
    return [evaluator.id, evaluator.alternative_id, mnist.FILES.digest]


def ship(evaluator: "Evaluator") -> None:
    """Write the rows of this evaluator into the repository; part of releasing a new one."""
    content = {"ids": ids(evaluator), "rows": rows(evaluator)}
    with paths.replacing(SHIPPED, "w") as file:
        json.dump(content, file, indent=1)


def _known(evaluator: "Evaluator", images: Callable[[], Tensor]) -> dict[str, Value]:
    values: dict[str, Value] = evaluator.cache.json(
        images.__name__, lambda: evaluator.measure(images(), thorough=True)
    )
    return values


def _known_halves(evaluator: "Evaluator") -> dict[str, Value]:
    values: dict[str, Value] = evaluator.cache.json(
        "halves", lambda: _halves(evaluator.reference.train)
    )
    return values


def _halves(train: FeatureStatistics) -> dict[str, Value]:
    """The cheap metrics between 10,000 training images and 10,000 others: mean and sd of ten."""
    draws = [_half_against_half(train, draw) for draw in range(_DRAWS)]
    summary: dict[str, Value] = {"missing": mean([d["missing"] for d in draws])}
    for name in draws[0]:
        values = [float(d[name]) for d in draws if not isinstance(d[name], str)]
        if values:
            summary[name] = statistics.fmean(values)
            summary[f"{name}_sd"] = statistics.stdev(values)
    return summary


def _half_against_half(train: FeatureStatistics, draw: int) -> dict[str, Value]:
    order = torch.randperm(len(train), generator=seeding.generator("calibration", 1, draw))
    ours, others = (train.subset(part) for part in torch.split(order, SAMPLES)[:2])
    metrics = [m for m in suite.at(EACH) if m.name != "fid_heldout"]
    collection = suite.Suite(Reference(lambda split: others), metrics)
    collection.statistics = ours
    return collection.compute()


def _repeated(images: Tensor) -> Tensor:
    return images.repeat(-(-SAMPLES // len(images)), 1, 1, 1)[:SAMPLES]
