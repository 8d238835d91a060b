"""Fréchet distance without the bias of a finite sample."""

import torch
from torch import Tensor

from bench import seeding
from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.gaussian import Gaussian, frechet
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference

_SIZES = 15
_LEAST = 500


@metric(cost="costly", least=_LEAST)
def fid_infinity(samples: FeatureStatistics, reference: Reference) -> float:
    """FID extrapolated to infinitely many samples; the bias of the finite reference stays.

    Formula: intercept of a least-squares line through fid(k) over 1/k, 15 sizes k from n/10 to n,
        each the mean over disjoint random subsets of that size
    Range: slightly below 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator
    Floor: about half of fid's floor where n = m
    Source: Chong & Forsyth 2020, arXiv 1911.07023
    """
    rows = samples.rows
    sizes = torch.linspace(len(rows) / 10, len(rows), _SIZES).long().tolist()
    values = [_subset_fid(rows, size, reference) for size in sizes]
    x = 1 / torch.tensor(sizes, dtype=torch.float64)
    line = torch.stack([torch.ones_like(x), x], dim=1)
    y = torch.tensor(values, dtype=torch.float64)[:, None]
    return float(torch.linalg.lstsq(line, y).solution[0])


def _subset_fid(rows: Tensor, size: int, reference: Reference) -> float:
    """Mean FID of the disjoint subsets of one size, dealt by a fixed shuffle."""
    order = torch.randperm(len(rows), generator=seeding.generator("evaluation", 0, size))
    whole = [part for part in torch.split(order, size) if len(part) == size]
    values = [frechet(Gaussian.of(rows[part]), reference.test.gaussian) for part in whole]
    return sum(values) / len(values)
