"""Memorisation: the three-sample test."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.memory import copying_z
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", labels=True, least=20)
def copying_ct(samples: FeatureStatistics, reference: Reference) -> float:
    """Are samples nearer to the training images than test images are? Far below 0: copying.

    Formula: C_T = Σ_digit share(digit) z(digit), z of Mann-Whitney's U over distances to nearest
        train, samples against test images, digits with 20 samples or more
    Range: -∞ to ∞
    Better: near the floor
    Unit: standard deviations
    Floor: 0 for unseen images; far above 0: samples are too far from any training image
    Source: Meehan et al. 2020, arXiv 2004.05675, with digits for cells and the
        nearest of all training images
    """
    return copying_z(samples, reference)
