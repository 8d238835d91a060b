"""Hints of memorisation: distances to the nearest training image, in feature space."""

import math

import torch
from torch import Tensor

from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference, Tensors
from bench.evaluation.statistics import FeatureStatistics

_LEAST_IN_CELL = 20
_SEARCH_BLOCK = 200  # rows at a time: their distances to 50,000 rows stay in the cache


@metric(when="final")
def authpct(samples: FeatureStatistics, reference: Reference) -> float:
    """The percentage of samples that are farther from a training image than its own neighbour is.

    Label: AuthPct [%]
    Formula: 100/n Σ_fake [|fake - t| > |t - nearest other train|], t the nearest train to fake
    Range: 0 to 100
    Better: near the floor
    Unit: percent
    Floor: what unseen real images get, 60 with the shipped classifier; copies get 0
    Source: Alaa et al. 2022, arXiv 2102.08921
    """
    distance, index = samples.once(to_train, reference)
    apart = reference.derived(train_to_train)["distance"][index]
    return 100 * float((distance > apart).double().mean())


@metric(when="final", needs=["classes"], least=20)
def copying_ct(samples: FeatureStatistics, reference: Reference) -> float:
    """Are samples nearer to the training images than test images are? Far below 0: copying.

    Label: C_T [sd]
    Formula: C_T = Σ_digit share(digit) z(digit), z of Mann-Whitney's U over distances to nearest
        train, samples against test images, digits with 20 samples or more
    Range: -∞ to ∞
    Better: near the floor
    Unit: standard deviations
    Floor: 0 for unseen images; far above 0: samples are too far from any training image
    Source: Meehan et al. 2020, arXiv 2004.05675, with digits for cells and the
        nearest of all training images
    """
    generated = samples.once(to_train, reference)[0]
    real = reference.derived(test_to_train)["distance"]
    total, weight = 0.0, 0
    for label in range(len(reference.test.histogram.counts)):
        ours = generated[samples.labels == label]
        theirs = real[reference.test.labels == label]
        if len(ours) >= _LEAST_IN_CELL and len(theirs):
            total += len(theirs) * mann_whitney_z(ours, theirs)
            weight += len(theirs)
    return total / weight if weight else torch.nan


@metric(when="final")
def neighbour_ratio(samples: FeatureStatistics, reference: Reference) -> float:
    """How far samples are from the training images, compared with how far test images are.

    Label: neighbour ratio
    Formula: median |fake - nearest train| / median |test - nearest train|
    Range: 0 to ∞
    Better: near the floor
    Unit: ratio
    Floor: 1 for unseen real images; 0 for copies of the training set
    Source: this benchmark
    """
    ours = samples.once(to_train, reference)[0].median()
    return float(ours / reference.derived(test_to_train)["distance"].median())


def to_train(samples: FeatureStatistics, reference: Reference) -> tuple[Tensor, Tensor]:
    """Each sample's distance to its nearest training image, and that image's index, (N,) each."""
    return nearest(samples.rows, reference.train.rows)


def test_to_train(reference: Reference) -> Tensors:
    """The same distances for the test images, which no generator can have copied."""
    return {"distance": nearest(reference.test.rows, reference.train.rows)[0]}


def train_to_train(reference: Reference) -> Tensors:
    """Each training image's distance to the nearest other one."""
    return {"distance": nearest(reference.train.rows, reference.train.rows, others=True)[0]}


def mann_whitney_z(ours: Tensor, theirs: Tensor) -> float:
    """Standardised count of pairs in which ours is the larger, ties half; below 0: ours smaller."""
    m, n = len(ours), len(theirs)
    order = theirs.sort().values
    below = torch.searchsorted(order, ours) + torch.searchsorted(order, ours, right=True)
    u = float(below.double().sum()) / 2
    deviation = math.sqrt(m * n * (m + n + 1) / 12)
    return (u - m * n / 2) / deviation


def nearest(a: Tensor, b: Tensor, *, others: bool = False) -> tuple[Tensor, Tensor]:
    """Distance from each row of ``a`` (n, d) to its nearest row of ``b``, and that row's index.

    The search is float32, the distance of the row found is float64: an exact copy is at exactly 0.

    Args:
        others: ``a`` is ``b``, and a row is not its own neighbour.
    """
    centre = b.mean(0)
    x, y = (a - centre).float(), (b - centre).float()
    half_norms = y.square().sum(1) / 2
    indices, room = [], x.new_empty(_SEARCH_BLOCK, len(y))
    for start in range(0, len(x), _SEARCH_BLOCK):
        block = x[start : start + _SEARCH_BLOCK]
        distance = room[: len(block)]
        torch.addmm(half_norms[None, :], block, y.T, alpha=-1, out=distance)
        if others:
            own = torch.arange(len(block))
            distance[own, own + start] = torch.inf
        indices.append(distance.argmin(1))
    index = torch.cat(indices)
    return (a - b[index]).square().sum(1).sqrt(), index
