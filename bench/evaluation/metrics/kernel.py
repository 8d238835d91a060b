"""Maximum mean discrepancies."""

import torch
from torch import Tensor

from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

_BLOCK = 100  # rows at a time: their kernel values stay in the cache


@metric(when="final")
def kid(samples: FeatureStatistics, reference: Reference) -> float:
    """How far samples are from the test images, without the bias that FID has for few samples.

    Label: KID
    Formula: mean_{i≠j} k(x_i,x_j) + mean_{i≠j} k(y_i,y_j) - 2 mean k(x_i,y_j), k = (x·y/d + 1)³
    Range: slightly below 0 to ∞
    Better: lower
    Unit: squared kernel units; compare within one evaluator
    Floor: 0 on average, whatever n is
    Source: Binkowski et al. 2018, arXiv 1801.01401
    """
    cross = _kernel_sum(samples.rows, reference.test.rows)
    mean = cross / (len(samples) * len(reference.test))
    return samples.once(_own_mean) + reference.test.once(_own_mean) - 2 * mean


def _own_mean(statistics: FeatureStatistics) -> float:
    """Mean kernel over the pairs of two different rows."""
    rows, n = statistics.rows, len(statistics)
    own = (rows.square().sum(1) / rows.shape[1] + 1).pow(3).sum()
    return (_kernel_sum(rows, rows) - float(own)) / (n * (n - 1))


def _kernel_sum(x: Tensor, y: Tensor) -> float:
    blocks = (torch.mm(block, y.T) for block in torch.split(x, _BLOCK))
    return sum(float(b.div_(x.shape[1]).add_(1).pow_(3).sum()) for b in blocks)
