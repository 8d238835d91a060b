"""How much a number would differ on other samples of the same source, by the jackknife."""

import math
from collections.abc import Iterable

import torch

from bench import seeding
from bench.evaluation import suite
from bench.evaluation.declarations import Metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

GROUPS = 20
"""Of samples."""


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
        samples: fewer than two a group give nothing, nor do those whose rows were not kept.
        reference: what they are compared with.
        metrics: the ones to look at.
    """
    if len(samples) < 2 * GROUPS or not samples.has_rows:
        return {}
    shuffled = torch.randperm(len(samples), generator=seeding.generator("calibration", 0))
    chosen, replicates = list(metrics), []
    for left_out in range(GROUPS):
        part = samples.subset(shuffled[torch.arange(len(samples)) % GROUPS != left_out])
        values, _ = suite.compute(part, reference, chosen)
        replicates.append({k: v for k, v in values.items() if not isinstance(v, str)})
    shared = [name for name in replicates[0] if all(name in values for values in replicates)]
    return {name: _spread([float(values[name]) for values in replicates]) for name in shared}


def _spread(values: list[float]) -> float:
    mean = math.fsum(values) / GROUPS
    return math.sqrt((GROUPS - 1) / GROUPS * math.fsum((value - mean) ** 2 for value in values))
