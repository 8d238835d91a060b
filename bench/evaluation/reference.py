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
from bench.evaluation.statistics import FeatureStatistics

Tensors = dict[str, Tensor]


class Reference:
    """FeatureStatistics on the three splits of a data set, each read when it is first asked for.

    Args:
        load: returns a split's statistics, rows kept.
        keep: keeps named tensors, which take long to work out.
    """

    def __init__(
        self,
        load: Callable[[Split], FeatureStatistics],
        keep: Callable[[str, Callable[[], Tensors]], Tensors] = lambda name, compute: compute(),
    ) -> None:
        self._load, self._keep = load, keep
        self._derived: dict[str, Tensors] = {}

    @cached_property
    def test(self) -> FeatureStatistics:
        """The test samples: what every number is measured against."""
        return self._load("test")

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
    seen_by = [*encoded_by, room / "networks.py", room / "extractor.py"]
    used_by = ("neighbours.py", "metrics/manifold.py", "metrics/memorisation.py")
    features = Cache(extractor.id, dataset.digest, *seen_by)
    derived = Cache(extractor.id, dataset.digest, *seen_by, *(room / name for name in used_by))

    def load(split: Split) -> FeatureStatistics:
        kept = features.tensors(split, lambda: _observed(extractor, split))
        return FeatureStatistics.of(kept["features"], kept.get("logits"))

    return Reference(load, derived.tensors)


def _observed(extractor: FeatureExtractor, split: Split) -> Tensors:
    features, logits = zip(*extractor.passes(extractor.dataset.split(split).values), strict=True)
    seen = {"features": torch.cat(features)}
    if logits[0] is not None:
        seen["logits"] = torch.cat(logits)
    return seen
