"""Memorisation: closeness to the training images."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.memory import test_to_train, to_train
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly")
def neighbour_ratio(samples: FeatureStatistics, reference: Reference) -> float:
    """How far samples are from the training images, compared with how far test images are.

    Formula: median |fake - nearest train| / median |test - nearest train|
    Range: 0 to ∞
    Better: near the floor
    Unit: ratio
    Floor: 1 for unseen real images; 0 for copies of the training set
    Source: this benchmark
    """
    ours = samples.once(to_train, reference)[0].median()
    return float(ours / reference.derived(test_to_train)["distance"].median())
