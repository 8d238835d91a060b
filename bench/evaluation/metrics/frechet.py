"""Fréchet distances between Gaussians fitted to features."""

import torch
from torch import Tensor

from bench import seeding
from bench.evaluation.declarations import metric
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics, Gaussian, frechet

_SIZES = 15


@metric(when="each evaluation", ratio=True)
def fid(samples: FeatureStatistics, reference: Reference) -> float:
    """How far samples are from the test images; bad images and missing kinds both raise it.

    Label: FID
    Formula: |m1-m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½, unbiased covariances
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator and one n
    Floor: about (1/n + 1/m) [tr S + ½ Σij λiλj (1+δij)/(λi+λj)], λ the eigenvalues of S
    Source: Heusel et al. 2017, arXiv 1706.08500
    """
    return frechet(samples.gaussian, reference.test.gaussian)


@metric(when="each evaluation", ratio=True)
def fid_heldout(samples: FeatureStatistics, reference: Reference) -> float:
    """As fid, against the 10,000 training images no generator sees; it chooses the checkpoint.

    Label: FID to held-out
    Formula: fid with the held-out images in the place of the test images
    Range: 0 to ∞
    Better: lower
    Unit: squared feature units; compare within one evaluator and one n
    Floor: as for fid
    Source: Heusel et al. 2017, arXiv 1706.08500
    """
    return frechet(samples.gaussian, reference.heldout.gaussian)


@metric(when="final", least=500, ratio=True)
def fid_infinity(samples: FeatureStatistics, reference: Reference) -> float:
    """FID extrapolated to infinitely many samples; the bias of the finite reference stays.

    Label: FID∞
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
