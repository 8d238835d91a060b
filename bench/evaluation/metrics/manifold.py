"""How samples and reference overlap, when each point stands for a ball of its neighbours' size."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference, Tensors
from bench.evaluation.statistics import FeatureStatistics

PRECISION_K = 3
COVERAGE_K = 5
# Rows at a time: a block of distances to 10,000 rows that the following passes find in the cache.
_BLOCK = 100
# A ball is open, and a point on its rim must not slip in by rounding: where samples and reference
# are the same images, every k-th neighbour lies exactly on the rim.
_RIM = 1 - 1e-9


@metric(when="final", least=4)
def precision(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of samples that lie within reach of a test image.

    Label: precision
    Formula: (1/n) Σ_fake [∃ real: |fake - real| < r3(real)], r3 the 3rd nearest real's distance
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: what real images get, 0.88 with the shipped classifier; typical fakes get more
    Source: Kynkäänniemi et al. 2019, arXiv 1904.06991, k = 3
    """
    return samples.once(overlap, reference).precision


@metric(when="final", least=4)
def recall(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of test images that lie within reach of a sample.

    Label: recall
    Formula: (1/m) Σ_real [∃ fake: |real - fake| < r3(fake)], r3 the 3rd nearest fake's distance
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: what real images get, 0.87 with the shipped classifier; outliers inflate it
    Source: Kynkäänniemi et al. 2019, arXiv 1904.06991, k = 3
    """
    return samples.once(overlap, reference).recall


@metric(when="final", least=4)
def density(samples: FeatureStatistics, reference: Reference) -> float:
    """How many test images' neighbourhoods a sample lies in, against the expected number.

    Label: density
    Formula: (1/kn) Σ_fake #{real : |fake - real| < rk(real)}, k = 5
    Range: 0 to m/k
    Better: near the floor
    Unit: ratio
    Floor: 1 for samples of the reference's own distribution; above it, samples huddle
    Source: Naeem et al. 2020, arXiv 2002.09797, k = 5
    """
    return samples.once(overlap, reference).density


@metric(when="final", least=4)
def coverage(samples: FeatureStatistics, reference: Reference) -> float:
    """The share of test images that have a sample in their neighbourhood.

    Label: coverage
    Formula: (1/m) Σ_real [∃ fake: |fake - real| < rk(real)], k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: 1 - Π_{i=1..k} (m-i)/(n+m-i), 0.9688 at n = m = 10,000
    Source: Naeem et al. 2020, arXiv 2002.09797, k = 5
    """
    return samples.once(overlap, reference).coverage


@metric(when="final", needs=["classes"])
def digit_coverage(samples: FeatureStatistics, reference: Reference) -> dict[int, float]:
    """Coverage within each digit, one number a digit: ``digit_coverage/0`` to ``digit_coverage/9``.

    Label: digit coverage
    Formula: coverage between the digit's samples and its test images, k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: as for coverage, 0.969 on average where samples are as many as test images
    Source: Naeem et al. 2020, arXiv 2002.09797, applied digit by digit
    """
    return samples.once(class_coverages, reference)


@metric(when="final", needs=["classes"])
def digit_coverage_lowest(samples: FeatureStatistics, reference: Reference) -> float:
    """Coverage within the worst covered digit; ten images drawn again and again have next to none.

    Label: lowest digit coverage
    Formula: min over digits of coverage between that digit's samples and its test images, k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: as for coverage, 0.969 on average where samples are as many as test images
    Source: Naeem et al. 2020, arXiv 2002.09797, applied digit by digit
    """
    return min(samples.once(class_coverages, reference).values())


@metric(when="final", needs=["classes"])
def digit_coverage_mean(samples: FeatureStatistics, reference: Reference) -> float:
    """Coverage within the average digit; ten images drawn again and again have next to none.

    Label: mean digit coverage
    Formula: mean over digits of coverage between that digit's samples and its test images, k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: as for coverage, 0.969 on average where samples are as many as test images
    Source: Naeem et al. 2020, arXiv 2002.09797, applied digit by digit
    """
    shares = samples.once(class_coverages, reference)
    return sum(shares.values()) / len(shares)


class Overlap(NamedTuple):
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


def class_coverages(samples: FeatureStatistics, reference: Reference) -> dict[int, float]:
    """Coverage of each class's test images by the samples that the classifier takes for it.

    A class with no more than ``COVERAGE_K`` reference images has no radii and is left out.
    """
    shares = {}
    for label in range(len(reference.test.histogram.counts)):
        real = reference.test.rows[reference.test.labels == label]
        if len(real) > COVERAGE_K:
            shares[label] = _coverage(real, samples.rows[samples.labels == label])
    return shares


def _coverage(real: Tensor, fake: Tensor) -> float:
    if not len(fake):
        return 0.0
    far = radii(real, COVERAGE_K)[:, 0] * _RIM
    closest = torch.cat([distance.amin(1) for _, distance in squared(real, fake)])
    return float((closest < far).double().mean())


def squared(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances of rows (n, d) to rows (m, d), ``_BLOCK`` at a time."""
    # |x|² + |y|² - 2 x·y loses digits far from the origin, so both are moved to b's centre first.
    centre = b.mean(0)
    a, b = a - centre, b - centre
    norms = b.square().sum(1)
    for start in range(0, len(a), _BLOCK):
        block = a[start : start + _BLOCK]
        distance = torch.addmm(norms[None, :], block, b.T, alpha=-2)
        distance += block.square().sum(1, keepdim=True)
        yield slice(start, start + len(block)), distance.clamp_(min=0)


def radii(rows: Tensor, *ks: int) -> Tensor:
    """Squared distance from each row to its k-th nearest other row, for each k: (N, len(ks)).

    Needs more than max(ks) rows.
    """
    out = rows.new_empty(len(rows), len(ks))
    for where, distance in squared(rows, rows):
        # Rounding may leave a row a hair away from itself: it is the nearest by definition.
        distance[torch.arange(len(distance)), torch.arange(where.start, where.stop)] = 0
        nearest = distance.topk(max(ks) + 1, dim=1, largest=False).values
        out[where] = nearest[:, list(ks)]
    return out
