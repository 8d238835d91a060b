"""The metrics as one collection over one pass of features."""

import math
from collections.abc import Iterable

from torch import Tensor

from bench.errors import UserError
from bench.evaluation import declarations
from bench.evaluation.declarations import When
from bench.evaluation.metrics import METRICS, Metric, Value
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics


class Suite:
    """Metrics with the interface of a `torchmetrics.MetricCollection`: update, compute, reset.

    Everything is float64 and streams; feature rows are kept only if a costly metric is among them.

    Args:
        reference: what the samples are compared with.
        metrics: registered metrics; `named` finds them.
    """

    def __init__(self, reference: Reference, metrics: Iterable[Metric]) -> None:
        self._reference, self._metrics = reference, list(metrics)
        self.omitted: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.statistics = FeatureStatistics(keep_rows=any("rows" in m.needs for m in self._metrics))

    def update(self, features: Tensor, logits: Tensor | None = None) -> None:
        """Take in features (n, d) and logits (n, 10) of the next n samples."""
        self.statistics.update(features, logits)

    def compute(self) -> dict[str, Value]:
        """Every metric that these samples define; the others' reasons are left in ``omitted``.

        Raises:
            UserError: fewer than two samples.
        """
        if len(self.statistics) < 2:
            raise UserError(
                f"There are {len(self.statistics)} samples: a distribution needs at least two."
            )
        self.omitted = {}
        found = [self._values(metric) for metric in self._metrics]
        return {name: value for values in found for name, value in values.items()}

    def _values(self, metric: Metric) -> dict[str, Value]:
        if len(self.statistics) < metric.least:
            self.omitted[metric.name] = f"needs at least {metric.least} samples"
        elif "classes" in metric.needs and not self.statistics.histogram.count:
            self.omitted[metric.name] = "needs a classifier, and this extractor has only features"
        elif metric.compute:
            values = _named(metric.name, metric.compute(self.statistics, self._reference))
            wrong = [v for v in values.values() if not isinstance(v, str) and not math.isfinite(v)]
            if not wrong:
                return values
            self.omitted[metric.name] = f"is {wrong[0]} for these samples"
        return {}


def _named(name: str, value: Value | dict[int, float]) -> dict[str, Value]:
    """One number under its metric's name, several under ``<name>/<digit>``."""
    if isinstance(value, dict):
        return {f"{name}/{digit}": part for digit, part in value.items()}
    return {name: value}


def named(names: Iterable[str]) -> list[Metric]:
    """The registered metrics of these names.

    Raises:
        UserError: a name is not registered; the sentence suggests the closest.
    """
    return [METRICS.get(name) for name in names]


def at(*when: When) -> list[Metric]:
    """The registered metrics that are measured then, as `declarations.at` lists them, to run."""
    METRICS.names()  # which imports them
    return declarations.at(*when)
