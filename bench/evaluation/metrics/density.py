"""Realism as density."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.manifold import PRECISION_K, overlap
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", least=PRECISION_K + 1)
def density(samples: FeatureStatistics, reference: Reference) -> float:
    """How many test images' neighbourhoods a sample lies in, against the expected number.

    Formula: (1/kn) Σ_fake #{real : |fake - real| < rk(real)}, k = 5
    Range: 0 to m/k
    Better: near the floor
    Unit: ratio
    Floor: 1 for samples of the reference's own distribution; above it, samples huddle
    Source: Naeem et al. 2020, arXiv 2002.09797, k = 5
    """
    return samples.once(overlap, reference).density
