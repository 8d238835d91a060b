"""Metrics computed of one set of samples, and what cannot be computed, with the reason."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bench.errors import UserError
from bench.evaluation import declarations
from bench.evaluation.declarations import METRICS, Metric, Value, When
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

Values = dict[str, Value]


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
