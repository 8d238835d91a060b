"""Realism as manifold precision."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.manifold import PRECISION_K, overlap
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", least=PRECISION_K + 1)
def precision(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of samples that lie within reach of a test image.

    Formula: (1/n) Σ_fake [∃ real: |fake - real| < r3(real)], r3 the 3rd nearest real's distance
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: what real images get, 0.88 with the shipped classifier; typical fakes get more
    Source: Kynkäänniemi et al. 2019, arXiv 1904.06991, k = 3
    """
    return samples.once(overlap, reference).precision
