"""Which digits are not covered."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.modes import covered
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap", labels=True)
def missing(samples: FeatureStatistics, reference: Reference) -> str:
    """The digits that modes does not count.

    Formula: {k : q(k) < p(k)/10}
    Range: digits with blanks between them, or "none"
    Better: neither
    Unit: digits' names
    Floor: none
    Source: this benchmark
    """
    absent = [str(digit) for digit, seen in enumerate(covered(samples, reference)) if not seen]
    return " ".join(absent) or "none"
