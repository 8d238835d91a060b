"""Digits that occur at all."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap", labels=True)
def modes_any(samples: FeatureStatistics, reference: Reference) -> int:
    """How many of the ten digits the classifier sees at least once.

    Formula: #{k : q(k) > 0}, q the classifier's label shares in the samples
    Range: 1 to 10
    Better: higher
    Unit: digits
    Floor: 10
    Source: Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761, on ten modes
    """
    return int((samples.histogram.counts > 0).sum())
