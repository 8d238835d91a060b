"""Of points in the plane whose modes are known."""

import math

import torch
from torch import Tensor

from bench.evaluation.declarations import metric
from bench.evaluation.metrics.modes import inside
from bench.evaluation.reference import Reference, Tensors
from bench.evaluation.statistics import FeatureStatistics, Gaussian, frechet

_DIRECTIONS = 64


@metric(when="each evaluation", needs=["classes"], optional=True)
def high_quality(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of points that lie within three standard deviations of a mode's centre.

    Label: high quality [%]
    Formula: 100/n #{x : min_k |x - c_k| ≤ 3σ}, c_k the centres, σ the spread of each mode
    Range: 0 to 100
    Better: higher
    Unit: percent
    Floor: 98.9, which is 1 - exp(-9/2); a generator that draws the centres only gets 100
    Source: Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761; Lin et al. 2018 (PacGAN)
    """
    return 100 * int(inside(samples, reference).sum()) / len(samples)


@metric(when="final", optional=True, ratio=True)
def sliced_wasserstein(samples: FeatureStatistics, reference: Reference) -> float:
    """Wasserstein-2 distance of the projections onto a line, over 64 directions of the plane.

    Label: sliced W2
    Formula: (mean over θ of W2²)^½, W2 between x·θ of samples and of test points
    Range: 0 to ∞
    Better: lower
    Unit: half sides of the square that pictures show, as networks see points
    Floor: what real points get at the same n; it falls as n^(-½)
    Source: Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", eq. 4
    """
    real = reference.derived(test_projections)["sorted"]
    return math.sqrt(float(wasserstein_squared(projections(points(samples)), real).mean()))


@metric(when="final", optional=True, ratio=True)
def plane_frechet(samples: FeatureStatistics, reference: Reference) -> float:
    """Fréchet distance between two Gaussians fitted to the points themselves; blind to modes.

    Label: Fréchet (points)
    Formula: |m1-m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½ of the two coordinates
    Range: 0 to ∞
    Better: near the floor
    Unit: squared half sides of the square that pictures show, as networks see points
    Floor: what real points get at the same n; uniform noise comes near it
    Source: Dowson & Landau 1982; Heusel et al. 2017, arXiv 1706.08500
    """
    real = Gaussian.of(points(reference.test))
    return frechet(Gaussian.of(points(samples)), real)


def points(statistics: FeatureStatistics) -> Tensor:
    """(n, 2): the last two features, which are the points as networks see them."""
    return statistics.rows[:, -2:]


def test_projections(reference: Reference) -> Tensors:
    """The sorted `projections` of the test points."""
    return {"sorted": projections(points(reference.test)).sort().values}


def projections(xy: Tensor) -> Tensor:
    """(64, n): points (n, 2) projected onto directions at equal angles of the half circle."""
    angles = math.pi * torch.arange(_DIRECTIONS, dtype=torch.float64) / _DIRECTIONS
    return torch.stack([angles.cos(), angles.sin()], dim=1) @ xy.T


def wasserstein_squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared Wasserstein-2 distances (d,) of the rows of (d, n) and (d, m), for any n and m.

    The optimal plan in one dimension joins the sorted values in their order; n · m is a common
    unit of their masses 1/n and 1/m.

    Args:
        a: d rows of values.
        b: the same, each row sorted.
    """
    n, m = a.shape[1], b.shape[1]
    ends_a, ends_b = torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n
    ends = torch.cat([ends_a, ends_b]).unique()  # type: ignore[no-untyped-call]
    masses = ends.diff(prepend=ends.new_zeros(1)).double() / (n * m)
    of_a = a.sort().values[:, torch.searchsorted(ends_a, ends)]
    distances: Tensor = (of_a - b[:, torch.searchsorted(ends_b, ends)]).square() @ masses
    return distances
