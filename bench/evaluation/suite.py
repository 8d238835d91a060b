"""Metrics computed of one set of samples, what cannot be computed, and how much chance is in it."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch

from bench import seeding
from bench.errors import UserError
from bench.evaluation import declarations
from bench.evaluation.declarations import METRICS, Metric, Value, When
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

Values = dict[str, Value]
GROUPS = 20
"""Of samples, for `noise`."""


@dataclass(frozen=True)
class Measurement:
    """Numbers with what they mean."""

    measure: str
    n: int
    metrics: Values
    noise: dict[str, float]
    """The standard deviation of a metric of each evaluation over other samples of the same source
    (`Evaluator.noise`); empty where it was not asked for."""
    omitted: dict[str, str]
    """Metrics left out, each with its reason."""

    @property
    def numbers(self) -> dict[str, float]:
        """The metrics that are numbers."""
        return {name: float(v) for name, v in self.metrics.items() if not isinstance(v, str)}

    @property
    def texts(self) -> dict[str, str]:
        """The metrics that are words, such as the missing digits."""
        return {name: v for name, v in self.metrics.items() if isinstance(v, str)}


def compute(
    samples: FeatureStatistics, reference: Reference, metrics: Iterable[Metric]
) -> tuple[Values, dict[str, str]]:
    """Every metric that these samples define, and the others' reasons.

    Raises:
        UserError: fewer than two samples.
    """
    if len(samples) < 2:
        raise UserError(f"There are {len(samples)} samples: a distribution needs at least two.")
    values: Values = {}
    omitted = {}
    for metric in metrics:
        given = samples.given is not None
        reason = lacking(metric, len(samples), bool(samples.histogram.count), given)
        if not reason and metric.compute:
            numbers = _named(metric.name, metric.compute(samples, reference))
            reason = _not_finite(numbers)
            values |= {} if reason else numbers
        if reason:
            omitted[metric.name] = reason
    return values, omitted


def lacking(metric: Metric, n: int, classes: bool, given: bool) -> str:
    """Why a metric is not defined for n samples; empty where it is.

    Args:
        classes: whether a classifier says what it takes them for.
        given: whether the labels are known that they were drawn for.
    """
    if n < metric.least:
        return f"needs at least {metric.least} samples"
    if "classes" in metric.needs and not classes:
        return "needs a classifier, and this extractor has only features"
    if "given labels" in metric.needs and not given:
        return "needs the labels that the samples were drawn for"
    return ""


def _not_finite(values: Values) -> str:
    wrong = [v for v in values.values() if not isinstance(v, str) and not math.isfinite(v)]
    return f"is {wrong[0]} for these samples" if wrong else ""


def _named(name: str, value: Value | dict[int, float]) -> Values:
    """One number under its metric's name, several under ``<name>/<class>``."""
    if isinstance(value, dict):
        return {f"{name}/{label}": part for label, part in value.items()}
    return {name: value}


def named(names: Iterable[str]) -> list[Metric]:
    """The registered metrics of these names.

    Raises:
        UserError: a name is not registered; the sentence suggests the closest.
    """
    return [METRICS.get(name) for name in names]


def at(*when: When, among: Collection[str] | None = None) -> list[Metric]:
    """The registered metrics that are measured then, as `declarations.at` lists them, to run.

    Args:
        among: the names of this repository's metrics to choose from, by default all but the
            optional ones; those of plug-ins are always among them.
    """
    METRICS.names()  # which imports them
    own = {m.name for m in declarations.shipped().values() if not m.optional}
    left_out = declarations.shipped().keys() - (own if among is None else set(among))
    return [metric for metric in declarations.at(*when) if metric.name not in left_out]


def noise(
    samples: FeatureStatistics, reference: Reference, metrics: Iterable[Metric]
) -> dict[str, float]:
    """The standard deviation of each numeric metric over sets of as many samples, estimated.

    By the delete-a-group jackknife (Kott 2001, "The delete-a-group jackknife", eq. 2): the metric
    is worked out again without each of ``GROUPS`` random groups of the samples. It needs no further
    samples and has ``GROUPS`` − 1 degrees of freedom. It suits smooth functions of averages; a
    count such as ``modes`` that no group moves gets 0. This is not the spread over training runs,
    which is several times larger.

    Args:
        samples: fewer than two a group give nothing, nor do those whose rows were not kept.
        reference: what they are compared with.
        metrics: the ones to look at.
    """
    if len(samples) < 2 * GROUPS or not samples.has_rows:
        return {}
    shuffled = torch.randperm(len(samples), generator=seeding.generator("calibration", 0))
    chosen, replicates = list(metrics), []
    for left_out in range(GROUPS):
        part = samples.subset(shuffled[torch.arange(len(samples)) % GROUPS != left_out])
        values, _ = compute(part, reference, chosen)
        replicates.append({k: v for k, v in values.items() if not isinstance(v, str)})
    shared = [name for name in replicates[0] if all(name in values for values in replicates)]
    return {name: _spread([float(values[name]) for values in replicates]) for name in shared}


def _spread(values: list[float]) -> float:
    mean = math.fsum(values) / GROUPS
    return math.sqrt((GROUPS - 1) / GROUPS * math.fsum((value - mean) ** 2 for value in values))
