"""Fréchet distance to the test images."""

from bench.ruler.evidence import Evidence
from bench.ruler.gaussian import frechet
from bench.ruler.metrics.registry import metric
from bench.ruler.reference import Reference


@metric(cost="cheap")
def fid(samples: Evidence, reference: Reference) -> float:
    """Fréchet distance between two Gaussians fitted to the features of samples and test images.

    Formula: |m1-m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½, unbiased covariances
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one ruler and one n
    Floor: about (1/n + 1/m) [tr S + ½ Σij λiλj (1+δij)/(λi+λj)], λ the eigenvalues of S
    Source: Heusel et al. 2017, arXiv 1706.08500
    """
    return frechet(samples.gaussian, reference.test.gaussian)
