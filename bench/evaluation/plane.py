"""The evaluator of points in the plane: their modes are known, so it needs no network."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
    *("sliced_wasserstein", "plane_frechet", "digit_share"),
)


class Nearest(nn.Module):
    """What is known of a point: the mode that it is near to, where in that mode, and itself.

    Logits (N, classes + 1): −d²/2σ² for each mode, d the distance to its centre, and −3²/2 for
    none of them, which is the largest exactly where all modes are more than 3σ away.

    Features (N, classes + 5): the one-hot answer, the offset from the mode's centre over 3σ (zero
    where there is none), the point as networks see it. So the Fréchet distance of features
    (``fid``) sees modes that are lost, points between them and modes that have shrunk. That of the
    points alone (``plane_frechet``) sees their mean and covariance, which uniform noise has too.
    """

    def __init__(self, dataset: "Mixture") -> None:
        super().__init__()
        self.centres, self.sd, self.reach = dataset.centres, dataset.sd, dataset.reach

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """From (N, 2) as networks see them."""
        points = encoded.double()
        offsets = (points[:, None] * self.reach - self.centres) / self.sd
        squared = F.pad(offsets.square().sum(2), (0, 1), value=NEAR**2)
        one_hot = F.one_hot(squared.argmin(1), squared.shape[1]).double()
        within = (one_hot[:, :-1, None] * offsets).sum(1) / NEAR
        return torch.cat([one_hot, within, points], dim=1), -squared / 2


def evaluator(dataset: "Mixture") -> Evaluator:
    """Of one mixture: its modes, their quality, and distances between clouds of points."""
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
