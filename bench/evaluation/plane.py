"""The evaluator of points in the plane: their modes are known, so it needs no network."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench import seeding
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.extractor import FeatureExtractor

if TYPE_CHECKING:
    from bench.datasets.plane import Mixture

SAMPLES = 2_500
"""Behind published numbers (Srivastava et al. 2017; Lin et al. 2018)."""
NEAR = 3.0
"""Standard deviations within which a point belongs to a mode."""
METRICS = (
    *("fid", "fid_heldout", "modes", "modes_any", "missing", "mode_kl", "high_quality"),
    *("sliced_wasserstein", "digit_share"),
)


class Nearest(nn.Module):
    """Features: the points themselves. Logits: of each mode, and a last one of none of them.

    A mode's logit is −d²/2σ², d the distance to its centre; that of none is −3²/2, so it is the
    largest exactly where every mode is more than three standard deviations away.
    """

    def __init__(self, dataset: "Mixture") -> None:
        super().__init__()
        self.centres, self.sd, self.reach = dataset.centres, dataset.sd, dataset.reach

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """From (N, 2) as networks see them to (N, 2) and (N, classes + 1)."""
        points = encoded.double() * self.reach
        squared = (points[:, None] - self.centres).square().sum(2) / self.sd**2
        none = torch.full((len(points), 1), NEAR**2, dtype=squared.dtype)
        return points, -torch.cat([squared, none], dim=1) / 2


def evaluator(dataset: "Mixture") -> Evaluator:
    """Of one mixture: modes, quality, and the distances between point clouds."""
    extractor = FeatureExtractor(
        dataset.evaluator_id, Nearest(dataset), dataset, equal_classes=True, none_of_them=True
    )
    return Evaluator(extractor, known_sets=_known_sets(dataset), metrics=METRICS, usual_n=SAMPLES)


def _known_sets(dataset: "Mixture") -> dict[str, Callable[[], Tensor]]:
    def drawn(labels: Tensor, spread: float = 1.0) -> Tensor:
        stream = seeding.generator("calibration", 0)
        noise = torch.randn(SAMPLES, 2, dtype=torch.float64, generator=stream)
        return dataset.centres[labels] + spread * dataset.sd * noise

    def every_mode() -> Tensor:
        return torch.arange(SAMPLES) % dataset.classes

    def half_the_modes() -> Tensor:
        return drawn(every_mode() // 2)

    def one_mode() -> Tensor:
        return drawn(torch.zeros(SAMPLES, dtype=torch.int64))

    def centres_only() -> Tensor:
        return drawn(every_mode(), 0.0)

    def twice_as_wide() -> Tensor:
        return drawn(every_mode(), 2.0)

    def uniform_noise() -> Tensor:
        stream = seeding.generator("calibration", 1)
        noise = torch.rand(SAMPLES, 2, dtype=torch.float64, generator=stream)
        return dataset.reach * (2 * noise - 1)

    return {
        "half of the modes": half_the_modes,
        "one mode": one_mode,
        "centres only": centres_only,
        "twice as wide": twice_as_wide,
        "uniform noise": uniform_noise,
    }
