"""What one pass over a set of images leaves behind: the material of every metric."""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from bench.errors import UserError

T = TypeVar("T")


class FeatureStatistics:
    """Streaming statistics of features and logits, and the rows themselves where asked for.

    Args:
        keep_rows: keep all features (N, d) for the metrics that compare images one by one; without
            it memory does not grow with N.

    Attributes:
        given: the labels that the samples were drawn for, (N,) int64, where they are known.
        samples: the samples themselves, (N, *shape) in stored form, kept where labels are given.
    """

    def __init__(self, keep_rows: bool = False) -> None:
        self.given: Tensor | None = None
        self.samples: Tensor | None = None
        self.gaussian = Gaussian()
        self.histogram = ClassHistogram()
        self._keep_rows = keep_rows
        self._rows: list[Tensor] = []
        self._logits: list[Tensor] = []
        self._known: dict[Hashable, Any] = {}

    @classmethod
    def unpacked(
        cls, moments: Tensor, sums: Tensor, rows: Sequence[Tensor], logits: Sequence[Tensor]
    ) -> "FeatureStatistics":
        """Of packed moments and class sums, and the rows and logits that were kept."""
        statistics = cls(keep_rows=bool(rows))
        statistics.gaussian = Gaussian.unpacked(moments)
        statistics.histogram = ClassHistogram(sums)
        statistics._rows, statistics._logits = list(rows), list(logits)
        return statistics

    @classmethod
    def of(cls, features: Tensor, logits: Tensor | None = None) -> "FeatureStatistics":
        """The statistics of all rows at once, kept."""
        statistics = cls(keep_rows=True)
        statistics.update(features, logits)
        return statistics

    def update(self, features: Tensor, logits: Tensor | None = None) -> None:
        """Take in features (n, d) and logits (n, K) of the next n images."""
        self._known.clear()
        self.gaussian.update(features)
        if self._keep_rows:
            self._rows.append(features.double())
        if logits is not None:
            self.histogram.update(logits.double())
            if self._keep_rows:
                self._logits.append(logits.double())

    def __len__(self) -> int:
        return self.gaussian.count

    @property
    def has_rows(self) -> bool:
        """Whether the features of each sample were kept."""
        return bool(self._rows)

    @property
    def rows(self) -> Tensor:
        """All features, (N, d) float64.

        Raises:
            UserError: they were not kept.
        """
        if not self._rows:
            raise UserError(
                "A metric of each evaluation asks for the features of single samples, which are "
                'kept at the end only: declare it with @metric(when="final").'
            )
        return torch.cat(self._rows)

    @property
    def labels(self) -> Tensor:
        """What the classifier took each image for, (N,) int64."""
        return torch.cat(self._logits).argmax(1)

    def subset(self, index: Tensor) -> "FeatureStatistics":
        """The statistics of some of the images alone; needs the rows."""
        logits = torch.cat(self._logits)[index] if self._logits else None
        return FeatureStatistics.of(self.rows[index], logits)

    def once(self, compute: Callable[..., T], *given: Hashable) -> T:
        """``compute(self, *given)``, worked out once for all metrics that share it."""
        key = (compute, *given)
        if key not in self._known:
            self._known[key] = compute(self, *given)
        known: T = self._known[key]
        return known


class ClassHistogram:
    """Streaming sums over the classifier's class probabilities.

    Attributes:
        packed: (3 + 2K,) float64: how many images, the sums of their entropies and of their largest
            probabilities, how many were taken for each class, the sums of the class probabilities.
            Those of two sets of images may be added; the counts in it are exact.
    """

    def __init__(self, packed: Tensor | None = None) -> None:
        self.packed = torch.zeros(3, dtype=torch.float64) if packed is None else packed

    def update(self, logits: Tensor) -> None:
        """Take in (n, K) float64 logits."""
        log_p = logits.log_softmax(1)
        p = log_p.exp()
        taken = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
        first = [torch.tensor(len(logits)), -(p * log_p).sum(), p.amax(1).sum()]
        sums = torch.cat([torch.stack([s.double() for s in first]), taken.double(), p.sum(0)])
        self.packed = self.packed + sums if self.count else sums

    @classmethod
    def equal(cls, classes: int) -> "ClassHistogram":
        """Each class as often as any other; without probabilities."""
        counts = torch.ones(classes, dtype=torch.float64)
        return cls(torch.cat([counts.new_tensor([classes, 0, 0]), counts, counts]))

    @property
    def count(self) -> int:
        return int(self.packed[0])

    @property
    def counts(self) -> Tensor:
        """How many images were taken for each class, (K,) int64."""
        return self._of_classes[0].long()

    @property
    def share(self) -> Tensor:
        """The fraction of images taken for each class, (K,)."""
        return self._of_classes[0] / self.count

    @property
    def probability(self) -> Tensor:
        """The mean class probabilities, (K,)."""
        return self._of_classes[1] / self.count

    @property
    def entropy(self) -> float:
        """The mean entropy of an image's class probabilities, in nats."""
        return float(self.packed[1] / self.count)

    @property
    def certainty(self) -> float:
        """The mean of an image's largest class probability."""
        return float(self.packed[2] / self.count)

    @property
    def _of_classes(self) -> Tensor:
        return self.packed[3:].view(2, -1)


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
    def unpacked(cls, moments: Tensor) -> "Gaussian":
        """Of moments as `packed`."""
        gaussian = cls()
        gaussian.count = int(moments[0, 0])
        gaussian._mean, gaussian._scatter = moments[0, 1:], moments[1:, 1:]
        return gaussian

    @property
    def packed(self) -> Tensor:
        """Count, mean and scatter in one matrix, (1 + d, 1 + d): [[n, mean], [0, scatter]]."""
        moments = torch.zeros(1 + len(self._mean), 1 + len(self._mean), dtype=torch.float64)
        moments[0, 0], moments[0, 1:], moments[1:, 1:] = self.count, self._mean, self._scatter
        return moments

    def update(self, rows: Tensor) -> None:
        """Take in (n, d) rows."""
        rows = rows.double()
        mean = rows.mean(0)
        centred = rows - mean
        self._merge(len(rows), mean, centred.T @ centred)

    def _merge(self, count: int, mean: Tensor, scatter: Tensor) -> None:
        step, total = mean - self._mean, self.count + count
        self._scatter = self._scatter + scatter
        self._scatter = self._scatter + torch.outer(step, step) * (self.count * count / total)
        self._mean = self._mean + step * (count / total)
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


def merged(moments: Tensor) -> Tensor:
    """The packed moments of all rows, of those of several sets of rows, (sets, 1 + d, 1 + d)."""
    gaussian = Gaussian()
    for part in map(Gaussian.unpacked, moments.cpu()):
        if part.count:
            gaussian._merge(part.count, part.mean, part._scatter)
    return gaussian.packed.to(moments.device) if gaussian.count else moments[0]


def frechet(a: Gaussian, b: Gaussian) -> float:
    """|m₁−m₂|² + tr S₁ + tr S₂ − 2 tr (S₁S₂)^½ (Dowson & Landau 1982; Heusel et al. 2017).

    The last trace is the nuclear norm of R₁R₂ᵀ, which stays exact where a covariance is singular:
    fewer rows than dimensions, dead features, a collapsed generator.
    """
    shift = (a.mean - b.mean).square().sum()
    spread = a.covariance.trace() + b.covariance.trace()
    shared = torch.linalg.svdvals(a.root @ b.root.T).sum()
    return max(float(shift + spread - 2 * shared), 0.0)
