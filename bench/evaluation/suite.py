"""Metrics computed of one set of samples, and what cannot be computed, with the reason."""

import math
from collections.abc import Iterable
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
        reason = lacking(metric, samples)
        if not reason and metric.compute:
            numbers = _named(metric.name, metric.compute(samples, reference))
            reason = _not_finite(numbers)
            values |= {} if reason else numbers
        if reason:
            omitted[metric.name] = reason
    return values, omitted


def lacking(metric: Metric, samples: FeatureStatistics) -> str:
    """Why a metric is not defined for these samples; empty where it is."""
    if len(samples) < metric.least:
        return f"needs at least {metric.least} samples"
    if "classes" in metric.needs and not samples.histogram.count:
        return "needs a classifier, and this extractor has only features"
    if "given labels" in metric.needs and samples.given is None:
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


def at(*when: When) -> list[Metric]:
    """The registered metrics that are measured then, as `declarations.at` lists them, to run."""
    METRICS.names()  # which imports them
    return declarations.at(*when)
