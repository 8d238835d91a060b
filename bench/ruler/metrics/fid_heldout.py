"""Fréchet distance to the held-out training images."""

from bench.ruler.evidence import Evidence
from bench.ruler.gaussian import frechet
from bench.ruler.metrics.registry import metric
from bench.ruler.reference import Reference


@metric(cost="cheap")
def fid_heldout(samples: Evidence, reference: Reference) -> float:
    """As fid, against the 10,000 training images no generator sees; it chooses the checkpoint.

    Formula: fid with the held-out images in the place of the test images
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one ruler and one n
    Floor: as for fid
    Source: Heusel et al. 2017, arXiv 1706.08500
    """
    return frechet(samples.gaussian, reference.heldout.gaussian)
