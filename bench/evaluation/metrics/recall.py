"""Variety as manifold recall."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.manifold import PRECISION_K, overlap
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", least=PRECISION_K + 1)
def recall(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of test images that lie within reach of a sample.

    Formula: (1/m) Σ_real [∃ fake: |real - fake| < r3(fake)], r3 the 3rd nearest fake's distance
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: what real images get, 0.87 with the shipped classifier; outliers inflate it
    Source: Kynkäänniemi et al. 2019, arXiv 1904.06991, k = 3
    """
    return samples.once(overlap, reference).recall
