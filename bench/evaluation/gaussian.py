"""Mean and covariance in one pass, and the Fréchet distance between two Gaussians."""

from functools import cached_property

import torch
from torch import Tensor


class Gaussian:
    """Streaming mean and scatter of feature rows, float64 (Chan, Golub & LeVeque 1983, eq. 1.5)."""

    def __init__(self) -> None:
        self.count = 0
        self._mean = torch.zeros((), dtype=torch.float64)
        self._scatter = torch.zeros((), dtype=torch.float64)

    @classmethod
    def of(cls, rows: Tensor) -> "Gaussian":
        """The Gaussian of all rows (N, d) at once."""
        gaussian = cls()
        gaussian.update(rows)
        return gaussian

    @classmethod
    def exact(cls, mean: Tensor, covariance: Tensor) -> "Gaussian":
        """A Gaussian given by its statistics (d,) and (d, d), not by rows."""
        gaussian = cls()
        gaussian.count, gaussian._mean, gaussian._scatter = 2, mean.double(), covariance.double()
        return gaussian

    def update(self, rows: Tensor) -> None:
        """Take in (n, d) rows."""
        rows = rows.double()
        mean = rows.mean(0)
        centred, step = rows - mean, mean - self._mean
        total = self.count + len(rows)
        self._scatter = self._scatter + centred.T @ centred
        self._scatter = self._scatter + torch.outer(step, step) * (self.count * len(rows) / total)
        self._mean = self._mean + step * (len(rows) / total)
        self.count = total
        self.__dict__.pop("root", None)

    @property
    def mean(self) -> Tensor:
        """(d,)"""
        return self._mean

    @property
    def covariance(self) -> Tensor:
        """(d, d), unbiased; needs two rows."""
        return self._scatter / (self.count - 1)

    @cached_property
    def root(self) -> Tensor:
        """R with RᵀR = covariance, its numerically null directions exactly zero."""
        values, vectors = torch.linalg.eigh(self.covariance)
        noise = len(values) * torch.finfo(torch.float64).eps * values.abs().max()
        values = torch.where(values > noise, values, 0.0)
        root: Tensor = values.sqrt()[:, None] * vectors.T
        return root


def frechet(a: Gaussian, b: Gaussian) -> float:
    """|m₁−m₂|² + tr S₁ + tr S₂ − 2 tr (S₁S₂)^½ (Dowson & Landau 1982; Heusel et al. 2017).

    The last trace is the nuclear norm of R₁R₂ᵀ, which stays exact where a covariance is singular:
    fewer rows than dimensions, dead features, a collapsed generator.
    """
    shift = (a.mean - b.mean).square().sum()
    spread = a.covariance.trace() + b.covariance.trace()
    shared = torch.linalg.svdvals(a.root @ b.root.T).sum()
    return max(float(shift + spread - 2 * shared), 0.0)
