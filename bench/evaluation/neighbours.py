"""Distances between feature rows, in blocks, and the nearest of them."""

from collections.abc import Iterator

import torch
from torch import Tensor

# Rows at a time: a block of distances to 10,000 rows (float64), or to 50,000 (float32), that the
# following passes still find in the cache.
_BLOCK = 100
_SEARCH_BLOCK = 200


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
