"""How sure the classifier is."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap", labels=True)
def confidence(samples: FeatureStatistics, reference: Reference) -> float:
    """Mean largest class probability; where it is low, shares of digits are guesses.

    Formula: (1/n) Σx max_k p(k|x)
    Range: 0.1 to 1
    Better: near the floor
    Unit: probability
    Floor: what real images get, just under 1
    Source: this benchmark
    """
    return samples.histogram.certainty
