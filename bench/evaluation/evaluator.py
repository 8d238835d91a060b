"""The evaluator: one frozen extractor, its reference and its metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench import paths, settings
from bench.datasets import mnist
from bench.errors import UserError
from bench.evaluation import extractor as backbones
from bench.evaluation import identity, inception, jackknife, suite
from bench.evaluation.cache import Cache
from bench.evaluation.declarations import EACH, FINAL, Value, When
from bench.evaluation.extractor import FeatureExtractor
from bench.evaluation.floor import disjoint_sets, mean_of_each
from bench.evaluation.metrics import memorisation
from bench.evaluation.reference import Reference, observe, of_mnist
from bench.evaluation.suite import Suite

Values = dict[str, Value]
ALT = "alt"


@dataclass(frozen=True)
class Measurement:
    """Numbers with what they mean."""

    measure: str
    n: int
    metrics: Values
    noise: dict[str, float]
    """The standard deviation of a cheap metric over other samples of the same source
    (`bench.evaluation.jackknife.noise`); empty where it was not asked for."""
    omitted: dict[str, str]
    """Metrics left out, each with its reason."""


class Evaluator:
    """What gives every number its meaning; `Evaluator.load` makes the pinned one.

    Args:
        extractor: the frozen feature extractor that all plain metric names refer to.
        others: what loads further ones, by the suffix of their metrics' names (``…_alt``).
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        others: Mapping[str, Callable[[], FeatureExtractor]] | None = None,
    ) -> None:
        self.extractor, self._loaders = extractor, dict(others or {})
        self.id = extractor.id
        self.measure_name = identity.measure_name(self.id)

    @classmethod
    def load(cls) -> "Evaluator":
        """The shipped classifier as the evaluator, and the second shipped one.

        Where ``GANBENCH_INCEPTION`` names Inception's weights, that network is a third.

        Raises:
            UserError: the weights are missing or altered.
        """
        others = {ALT: lambda: backbones.shipped(identity.ALTERNATIVE)}
        if weights := paths.given(settings.INCEPTION):
            others["inception"] = lambda: inception.extractor(weights)
        return cls(backbones.shipped(identity.DIGITS), others)

    @classmethod
    def from_file(cls, path: Path) -> "Evaluator":
        """An evaluator of the user's own, without a second extractor.

        Args:
            path: a Python file that defines a feature extractor
                (`extractor.from_file`), or Inception's weights as .pth (`inception.extractor`).

        Raises:
            UserError: the file does not give a feature extractor.
        """
        if path.suffix == ".pth":
            return cls(inception.extractor(path))
        return cls(backbones.from_file(path))

    @cached_property
    def reference(self) -> Reference:
        """The real images as the extractor sees them."""
        return of_mnist(self.extractor)

    @cached_property
    def _others(self) -> dict[str, tuple[FeatureExtractor, Reference]]:
        loaded = {prefix: load() for prefix, load in self._loaders.items()}
        return {prefix: (extractor, of_mnist(extractor)) for prefix, extractor in loaded.items()}

    def measure(self, images: Tensor, thorough: bool = False) -> Values:
        """The metrics of uint8 images (N, 1, 28, 28).

        Args:
            images: at least two; numbers are comparable at one N only.
            thorough: also the costly metrics, and the cheap ones by the other networks
                (``…_alt``).

        Raises:
            UserError: not such images.
        """
        return self.score(images, thorough, False).metrics

    def score(self, images: Tensor, thorough: bool = False, with_noise: bool = True) -> Measurement:
        """As `measure`, with the measure's full name and the reasons for what is left out.

        Args:
            images, thorough: as of `measure`.
            with_noise: also estimate each number's noise, if the measurement is thorough.
        """
        _check(images)
        costs: tuple[When, ...] = (EACH, FINAL) if thorough else (EACH,)
        collection = _pass(self.extractor, self.reference, images, costs)
        values, omitted = collection.compute(), collection.omitted
        for prefix, (extractor, reference) in (self._others if thorough else {}).items():
            second = _pass(extractor, reference, images, (EACH,))
            values |= {f"{name}_{prefix}": value for name, value in second.compute().items()}
            omitted |= {f"{name}_{prefix}": reason for name, reason in second.omitted.items()}
        n, noise = len(images), self._noise(collection) if thorough and with_noise else {}
        return Measurement(identity.measure_name(self.id, n), n, values, noise, omitted)

    def _noise(self, collection: Suite) -> dict[str, float]:
        return jackknife.noise(collection.statistics, self.reference, suite.at(EACH))

    def nearest_training(self, images: Tensor) -> Tensor:
        """For each uint8 image (N, 1, 28, 28) the index of the training image nearest in features.

        (N,) int64, into ``mnist.load("train")``.
        """
        return memorisation.to_train(observe(self.extractor, images), self.reference)[1]

    @property
    def alternative_id(self) -> str:
        """The second classifier's id, ``none`` where there is none."""
        return identity.ALTERNATIVE.id if ALT in self._loaders else "none"

    def floor(self, n: int = identity.SAMPLES, thorough: bool = False) -> Values:
        """What real images get: n held-out training images against the test images.

        The mean over disjoint sets of n (`bench.evaluation.floor.disjoint_sets`); at n = 10,000 it
        is one set, all of them. ``fid_heldout`` takes the value of ``fid``, which is the same
        distance from the other side. The values are kept in the store.

        Args:
            n: as many as the samples that the floor stands beside.
            thorough: as of `measure`.

        Returns:
            Metric to value, without those that need more than n samples; empty where n is more
            than there are held-out images.
        """
        name = f"floor-{n}{'-thorough' if thorough else ''}"
        floor: Values = self.cache.json(name, lambda: self._floor(n, thorough))
        return floor

    def calibration(self) -> list[Values]:
        """What the metrics say about known sets of images: {"row": its name, metric: value …}.

        Kept in the store; the first time takes about two minutes.
        """
        from bench.evaluation import calibration

        return calibration.rows(self)

    def _floor(self, n: int, thorough: bool) -> Values:
        values = mean_of_each([self.measure(images, thorough) for images in disjoint_sets(n)])
        for name in [name for name in values if name.startswith("fid_heldout")]:
            values[name] = values[name.replace("_heldout", "")]
        return values

    @cached_property
    def cache(self) -> Cache:
        """Where measured values are kept; a changed line of this room makes them anew."""
        room = Path(__file__).parent
        others = [extractor.id for extractor, _ in self._others.values()]
        return Cache(self.id, *others, mnist.FILES.digest, *sorted(room.rglob("*.py")))


def _pass(
    extractor: FeatureExtractor, reference: Reference, images: Tensor, costs: tuple[When, ...]
) -> Suite:
    collection = Suite(reference, suite.at(*costs))
    for features, logits in extractor.passes(images):
        collection.update(features, logits)
    return collection


def _check(images: Tensor) -> None:
    if images.dtype != torch.uint8 or images.ndim != 4 or tuple(images.shape[1:]) != (1, 28, 28):
        raise UserError(
            f"An evaluator measures uint8 images of shape (N, 1, 28, 28), not {images.dtype} of "
            f"{tuple(images.shape)}: bring them to the grid with bench.datasets.pixels.to_grid."
        )
    if len(images) < 2:
        raise UserError(f"There are {len(images)} samples: a distribution needs at least two.")
