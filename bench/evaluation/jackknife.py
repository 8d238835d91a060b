"""How far other samples of one network would move a number, told from a single set of them."""

import math
from collections.abc import Iterable

import torch

from bench import seeding
from bench.evaluation.declarations import Metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics
from bench.evaluation.suite import Suite

GROUPS = 20


def noise(
    samples: FeatureStatistics, reference: Reference, metrics: Iterable[Metric]
) -> dict[str, float]:
    """The standard deviation of each numeric metric over sets of as many samples, estimated.

    By the delete-a-group jackknife (Kott 2001, "The delete-a-group jackknife", eq. 2): the metric
    is worked out again without each of ``GROUPS`` random groups of the samples. It needs no further
    samples and has ``GROUPS`` − 1 degrees of freedom. It suits smooth functions of averages; a
    count such as ``modes`` that no group moves gets 0. This is not the spread over training runs,
    which is several times larger.

    Args:
        samples: with its rows kept; fewer than two a group give nothing.
        reference: what they are compared with.
        metrics: the ones to look at.
    """
    if len(samples) < 2 * GROUPS:
        return {}
    shuffled = torch.randperm(len(samples), generator=seeding.generator("calibration", 0))
    suite, replicates = Suite(reference, metrics), []
    for left_out in range(GROUPS):
        suite.statistics = samples.subset(shuffled[torch.arange(len(samples)) % GROUPS != left_out])
        replicates.append({k: v for k, v in suite.compute().items() if not isinstance(v, str)})
    shared = [name for name in replicates[0] if all(name in one for one in replicates)]
    return {name: _spread([float(one[name]) for one in replicates]) for name in shared}


def _spread(values: list[float]) -> float:
    mean = math.fsum(values) / GROUPS
    return math.sqrt((GROUPS - 1) / GROUPS * math.fsum((value - mean) ** 2 for value in values))
