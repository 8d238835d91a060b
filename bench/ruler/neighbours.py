"""Distances between feature rows, in blocks, and what is counted from them."""

from collections.abc import Iterator

import torch
from torch import Tensor

_BLOCK = 1000


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


def radii(rows: Tensor, ks: tuple[int, ...]) -> Tensor:
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
