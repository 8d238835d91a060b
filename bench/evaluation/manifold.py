"""How samples and reference overlap, when each point stands for a ball of its neighbours' size."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.neighbours import radii, squared
from bench.evaluation.reference import Reference, Tensors

PRECISION_K = 3
COVERAGE_K = 5
# A ball is open, and a point on its rim must not slip in by rounding: where samples and reference
# are the same images, every k-th neighbour lies exactly on the rim.
_RIM = 1 - 1e-9


@dataclass(frozen=True)
class Overlap:
    """Precision, recall, density and coverage, all from one pass over the distances."""

    precision: float
    recall: float
    density: float
    coverage: float


def overlap(samples: FeatureStatistics, reference: Reference) -> Overlap:
    """The four overlaps of the samples with the test images."""
    own = reference.derived(test_radii)["squared"] * _RIM
    return overlap_of(reference.test.rows, samples.rows, own[:, 0], own[:, 1])


def test_radii(reference: Reference) -> Tensors:
    """Squared radii of the test images for both k, (N, 2)."""
    return {"squared": radii(reference.test.rows, PRECISION_K, COVERAGE_K)}


def overlap_of(real: Tensor, fake: Tensor, near: Tensor, far: Tensor) -> Overlap:
    """The overlaps of rows, given the real rows' squared radii for precision and for coverage."""
    reach = radii(fake, PRECISION_K)[:, 0] * _RIM
    inside, hits = 0, 0
    recalled = torch.zeros(len(real), dtype=torch.bool)
    closest = torch.full((len(real),), torch.inf, dtype=torch.float64)
    for where, distance in squared(fake, real):
        inside += int((distance < near).any(1).sum())
        hits += int((distance < far).sum())
        recalled |= (distance < reach[where, None]).any(0)
        closest = torch.minimum(closest, distance.amin(0))
    return Overlap(
        precision=inside / len(fake),
        recall=float(recalled.double().mean()),
        density=hits / (COVERAGE_K * len(fake)),
        coverage=float((closest < far).double().mean()),
    )


def digit_coverages(samples: FeatureStatistics, reference: Reference) -> dict[int, float]:
    """Coverage of each digit's test images by the samples taken for that digit.

    A digit with no more than ``COVERAGE_K`` reference images has no radii and is left out.
    """
    shares = {}
    for digit in range(len(reference.test.histogram.counts)):
        real = reference.test.rows[reference.test.labels == digit]
        if len(real) > COVERAGE_K:
            fake = samples.rows[samples.labels == digit]
            shares[digit] = _coverage(real, fake)
    return shares


def _coverage(real: Tensor, fake: Tensor) -> float:
    if not len(fake):
        return 0.0
    far = radii(real, COVERAGE_K)[:, 0] * _RIM
    closest = torch.cat([distance.amin(1) for _, distance in squared(real, fake)])
    return float((closest < far).double().mean())
