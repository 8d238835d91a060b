"""Fréchet distance to the held-out training images."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.gaussian import frechet
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="cheap")
def fid_heldout(samples: FeatureStatistics, reference: Reference) -> float:
    """As fid, against the 10,000 training images no generator sees; it chooses the checkpoint.

    Formula: fid with the held-out images in the place of the test images
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator and one n
    Floor: as for fid
    Source: Heusel et al. 2017, arXiv 1706.08500
    """
    return frechet(samples.gaussian, reference.heldout.gaussian)
