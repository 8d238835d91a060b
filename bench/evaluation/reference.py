"""The real samples as an extractor sees them: what samples are measured against."""

import inspect
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench.datasets import pixels
from bench.datasets.dataset import Split
from bench.evaluation.cache import Cache
from bench.evaluation.extractor import FeatureExtractor
from bench.evaluation.statistics import ClassHistogram, FeatureStatistics

Tensors = dict[str, Tensor]
_SETS = ("plane.py", "stacked.py")  # of data sets whose classes are equally likely


class Reference:
    """FeatureStatistics on the three splits of a data set, each read when it is first asked for.

    Args:
        load: returns a split's statistics, rows kept.
        keep: keeps named tensors, which take long to work out.
        classes: how often each class is drawn by definition; by default as in the test samples.
    """

    def __init__(
        self,
        load: Callable[[Split], FeatureStatistics],
        keep: Callable[[str, Callable[[], Tensors]], Tensors] = lambda name, compute: compute(),
        classes: ClassHistogram | None = None,
    ) -> None:
        self._load, self._keep, self._classes = load, keep, classes
        self._derived: dict[str, Tensors] = {}

    @cached_property
    def test(self) -> FeatureStatistics:
        """The test samples: what every number is measured against."""
        return self._load("test")

    @property
    def classes(self) -> ClassHistogram:
        """How often each class is drawn."""
        return self._classes or self.test.histogram

    @cached_property
    def heldout(self) -> FeatureStatistics:
        """The training samples that no generator sees."""
        return self._load("heldout")

    @cached_property
    def train(self) -> FeatureStatistics:
        """The samples that generators learn from, for the memorisation hints."""
        return self._load("train")

    def derived(self, compute: Callable[["Reference"], Tensors]) -> Tensors:
        """``compute(self)``, kept under the function's name."""
        name = compute.__name__
        if name not in self._derived:
            self._derived[name] = self._keep(name, lambda: compute(self))
        return self._derived[name]


def observe(
    extractor: FeatureExtractor, samples: Tensor, keep_rows: bool = True
) -> FeatureStatistics:
    """One pass of the extractor over samples (N, *shape) in stored form."""
    statistics = FeatureStatistics(keep_rows)
    for features, logits in extractor.passes(samples):
        statistics.update(features, logits)
    return statistics


def of(extractor: FeatureExtractor) -> Reference:
    """An extractor's reference; features are computed once and then read from the store."""
    room, dataset = Path(__file__).parent, extractor.dataset
    encoded_by = [Path(pixels.__file__), Path(inspect.getfile(type(dataset)))]
    seen_by = [*encoded_by, *(room / name for name in ("networks.py", "extractor.py", *_SETS))]
    used_by = ("neighbours.py", *(f"metrics/{n}.py" for n in ("manifold", "memorisation", "plane")))
    features = Cache(extractor.id, dataset.digest, *seen_by)
    derived = Cache(extractor.id, dataset.digest, *seen_by, *(room / name for name in used_by))

    def load(split: Split) -> FeatureStatistics:
        kept = features.tensors(split, lambda: _observed(extractor, split))
        return FeatureStatistics.of(kept["features"], kept.get("logits"))

    equal = ClassHistogram.equal(dataset.classes) if extractor.equal_classes else None
    return Reference(load, derived.tensors, equal)


def _observed(extractor: FeatureExtractor, split: Split) -> Tensors:
    features, logits = zip(*extractor.passes(extractor.dataset.split(split).values), strict=True)
    seen = {"features": torch.cat(features)}
    if logits[0] is not None and not extractor.equal_classes:
        seen["logits"] = torch.cat(logits)
    return seen
