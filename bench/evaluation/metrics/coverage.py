"""Variety as coverage."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.manifold import PRECISION_K, overlap
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", least=PRECISION_K + 1)
def coverage(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of test images that have a sample in their neighbourhood.

    Formula: (1/m) Σ_real [∃ fake: |fake - real| < rk(real)], k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: 1 - Π_{i=1..k} (m-i)/(n+m-i), 0.9688 at n = m = 10,000
    Source: Naeem et al. 2020, arXiv 2002.09797, k = 5
    """
    return samples.once(overlap, reference).coverage
