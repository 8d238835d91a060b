"""The floor: what real images that no generator saw get, at the n of the samples next to it."""

import statistics
from collections.abc import Sequence

import torch
from torch import Tensor

from bench import seeding
from bench.evaluation.declarations import Value

MOST_SETS = 20


def disjoint_sets(n: int, images: Tensor) -> list[Tensor]:
    """Sets of n held-out ``images`` that share none, by a fixed shuffle.

    At most ``MOST_SETS``, for every metric alike: one set of 100 images has an FID that is 40 % off
    (sd over sets), the mean of 20 is 9 % off. Together they never hold more than all held-out
    images, so a small n costs no more than a large one. Each set keeps the order of the file. For
    an n above the number of held-out images there is no set.
    """
    order = torch.randperm(len(images), generator=seeding.generator("calibration", 2))
    whole = [part for part in torch.split(order, n) if len(part) == n]
    return [images[part.sort().values] for part in whole[:MOST_SETS]]


def mean_of_each(draws: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """Each metric's mean over the draws that define it."""
    names = dict.fromkeys(name for draw in draws for name in draw)
    return {name: mean([draw[name] for draw in draws if name in draw]) for name in names}


def mean(values: Sequence[Value]) -> Value:
    """The mean; one value that all share stays as it is, and words are listed."""
    if len(set(values)) == 1:
        return values[0]
    words = sorted({value for value in values if isinstance(value, str)})
    if words:
        return "; ".join(words)
    return statistics.fmean(value for value in values if not isinstance(value, str))
