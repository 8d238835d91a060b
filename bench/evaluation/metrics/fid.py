"""Fréchet distance to the test images."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.gaussian import frechet
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap")
def fid(samples: FeatureStatistics, reference: Reference) -> float:
    """Fréchet distance between two Gaussians fitted to the features of samples and test images.

    Formula: |m1-m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½, unbiased covariances
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator and one n
    Floor: about (1/n + 1/m) [tr S + ½ Σij λiλj (1+δij)/(λi+λj)], λ the eigenvalues of S
    Source: Heusel et al. 2017, arXiv 1706.08500
    """
    return frechet(samples.gaussian, reference.test.gaussian)
