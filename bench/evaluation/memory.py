"""Hints of memorisation: distances to the nearest training image, in feature space."""

import math

import torch
from torch import Tensor

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.neighbours import nearest
from bench.evaluation.reference import Reference, Tensors

_LEAST_IN_CELL = 20


def to_train(samples: FeatureStatistics, reference: Reference) -> tuple[Tensor, Tensor]:
    """Each sample's distance to its nearest training image, and that image's index, (N,) each."""
    return nearest(samples.rows, reference.train.rows)


def test_to_train(reference: Reference) -> Tensors:
    """The same distances for the test images, which no generator can have copied."""
    return {"distance": nearest(reference.test.rows, reference.train.rows)[0]}


def train_to_train(reference: Reference) -> Tensors:
    """Each training image's distance to the nearest other one."""
    return {"distance": nearest(reference.train.rows, reference.train.rows, others=True)[0]}


def copying_z(samples: FeatureStatistics, reference: Reference) -> float:
    """C_T of Meehan et al.: Mann-Whitney z of samples' against test images' distances, by digit."""
    generated = samples.once(to_train, reference)[0]
    real = reference.derived(test_to_train)["distance"]
    total, weight = 0.0, 0
    for digit in range(len(reference.test.histogram.counts)):
        ours = generated[samples.labels == digit]
        theirs = real[reference.test.labels == digit]
        if len(ours) >= _LEAST_IN_CELL and len(theirs):
            total += len(theirs) * mann_whitney_z(ours, theirs)
            weight += len(theirs)
    return total / weight if weight else torch.nan


def mann_whitney_z(ours: Tensor, theirs: Tensor) -> float:
    """Standardised count of pairs in which ours is the larger, ties half; below 0: ours smaller."""
    m, n = len(ours), len(theirs)
    order = theirs.sort().values
    below = torch.searchsorted(order, ours) + torch.searchsorted(order, ours, right=True)
    u = float(below.double().sum()) / 2
    deviation = math.sqrt(m * n * (m + n + 1) / 12)
    return (u - m * n / 2) / deviation
