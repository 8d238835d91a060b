"""Imbalance of the digits."""

import torch

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap", labels=True)
def mode_kl(samples: FeatureStatistics, reference: Reference) -> float:
    """Kullback-Leibler divergence of the generated digits' shares from the reference's.

    Formula: Σk q(k) ln (q(k)/p(k)), 0 ln 0 = 0, q samples, p reference
    Range: 0 to ln(1/min p) (2.4 on MNIST)
    Better: lower
    Unit: nats
    Floor: (K-1)/2n, 4.5e-4 at n = 10,000, for a sampler with the reference's own shares
    Source: Che et al. 2017, arXiv 1612.02136; Srivastava et al. 2017, arXiv 1705.07761
    """
    q, p = samples.histogram.share, reference.test.histogram.share
    divergence = torch.xlogy(q, q) - torch.xlogy(q, p)
    return max(float(divergence.sum()), 0.0)
