"""Registration of metrics; their docstrings are the table that `ganbench list metrics` prints."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.reference import Reference

Value = float | int | str
Cost = Literal["cheap", "costly"]
Compute = Callable[[FeatureStatistics, Reference], Value | dict[int, float]]
"""A metric of several numbers gives one a digit; they are called ``<name>/<digit>``."""

FIELDS = ("formula", "range", "better", "unit", "floor", "source")
BETTER = ("lower", "higher", "near the floor", "neither")


@dataclass(frozen=True)
class Metric:
    """One registered metric; ``doc`` holds the fields of its docstring.

    ``cheap`` metrics are measured at every evaluation point, ``costly`` ones at the end of a trial.
    ``least`` is the smallest number of samples that it is defined for. ``labels`` says that it
    needs a classifier's logits, not only features.
    """

    name: str
    compute: Compute
    cost: Cost
    least: int
    labels: bool
    doc: dict[str, str]

    @property
    def summary(self) -> str:
        """The docstring's first sentence."""
        return (inspect.getdoc(self.compute) or "").splitlines()[0]


REGISTRY: dict[str, Metric] = {}


def metric(*, cost: Cost, least: int = 2, labels: bool = False) -> Callable[[Compute], Compute]:
    """Register a metric under its function's name."""

    def register(compute: Compute) -> Compute:
        name = compute.__name__
        if name in REGISTRY:
            raise ValueError(f"two metrics are called {name}")
        REGISTRY[name] = Metric(name, compute, cost, least, labels, _fields(compute))
        return compute

    return register


def _fields(compute: Compute) -> dict[str, str]:
    """Read ``Key: value`` lines, where a deeper indented line continues the one before."""
    fields: dict[str, str] = {}
    key = ""
    for line in (inspect.getdoc(compute) or "").splitlines():
        head, colon, rest = line.partition(":")
        if colon and head.lower() in FIELDS:
            key = head.lower()
            fields[key] = rest.strip()
        elif key and line.startswith(" "):
            fields[key] += " " + line.strip()
        else:
            key = ""
    if missing := [f for f in FIELDS if not fields.get(f)]:
        raise ValueError(f"metric {compute.__name__} states no {', '.join(missing)}")
    if fields["better"] not in BETTER:
        raise ValueError(f"metric {compute.__name__}: Better is one of {', '.join(BETTER)}")
    return fields
