"""Digits that are covered."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference

_PART = 10


def covered(samples: FeatureStatistics, reference: Reference) -> list[bool]:
    """For each digit: has it at least a tenth of its share in the reference?"""
    ours, theirs = samples.histogram, reference.test.histogram
    # In whole numbers, because a share of exactly a tenth counts as covered.
    enough = _PART * ours.counts * theirs.count >= theirs.counts * ours.count
    return ((theirs.counts > 0) & enough).tolist()


@metric(cost="cheap", labels=True)
def modes(samples: FeatureStatistics, reference: Reference) -> int:
    """How many of the ten digits are drawn often enough to count as covered.

    Formula: #{k : q(k) ≥ p(k)/10}, q and p the classifier's label shares in samples and reference
    Range: 0 to 10
    Better: higher
    Unit: digits
    Floor: 10
    Source: this benchmark; a threshold, because misread noise alone reaches modes_any = 10
    """
    return sum(covered(samples, reference))
