"""Points in the plane: mixtures of Gaussians with known modes, the usual test of mode collapse.

Radius 1 with sd 0.01 is the ring of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018).
Networks see points divided by `Mixture.reach`, so radius 2 with sd 0.02 (Unrolled GAN, Metz et al.
2017) is the same task. Metz's code repeats a mode and has seven; there are eight here.
"""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench import seeding
from bench.datasets.dataset import Dataset, Samples, Split, register

if TYPE_CHECKING:
    from torch import Tensor

_SIZES: dict[Split, int] = {"train": 100_000, "heldout": 50_000, "test": 10_000}
_FINENESS = 2**20


class Mixture(Dataset):
    """Equally likely Gaussians of one spread around known centres.

    The stored form is float64 in the plane's own units; networks see float32 in about [−1, 1].
    """

    shape = (2,)
    splits: ClassVar = {name: f"{size:,} points" for name, size in _SIZES.items()}
    sd: ClassVar[float]
    """Of each Gaussian, along both axes."""
    reach: ClassVar[float]
    """What networks see as 1."""

    @property
    @abstractmethod
    def centres(self) -> "Tensor":
        """(classes, 2) float64."""

    def split(self, name: Split) -> Samples:
        import torch

        stream = seeding.generator("dataset", 0, list(_SIZES).index(name))
        labels = torch.randint(self.classes, (_SIZES[name],), generator=stream)
        noise = torch.randn(len(labels), 2, dtype=torch.float64, generator=stream)
        points = self.centres[labels] + self.sd * noise
        # Two machines may differ in the last bit of a logarithm, and the digest is one for all.
        return Samples((points * _FINENESS).round() / _FINENESS, labels)

    def encode(self, stored: "Tensor") -> "Tensor":
        return (stored / self.reach).float()

    def decode(self, values: "Tensor") -> "Tensor":
        return values.double() * self.reach

    def evaluator(self) -> Any:
        from bench.evaluation import plane

        return plane.evaluator(self)

    @property
    def evaluator_id(self) -> str:
        return f"{self.name}-modes-v1"

    def draw(self, samples: "Tensor", path: Path, surface: "Tensor | None" = None) -> None:
        """A scatter plot of samples, the modes as circles of three standard deviations.

        Args:
            samples: (N, 2) in stored form.
            path: of the PNG.
            surface: (side, side) what a discriminator says of the points of `lattice`.
        """
        from bench.datasets import scatter

        circles = [(x, y, 3 * self.sd) for x, y in self.centres.tolist()]
        scatter.draw(samples, circles, self.reach, path, surface)

    def lattice(self, side: int) -> "Tensor":
        """(side², 2) points of the picture in stored form, from its top left, row by row."""
        import torch

        steps = (torch.arange(side, dtype=torch.float64) + 0.5) / side * 2 - 1
        y, x = torch.meshgrid(-steps, steps, indexing="ij")
        return self.reach * torch.stack([x.flatten(), y.flatten()], dim=1)


@register("ring")
class Ring(Mixture):
    """Eight Gaussians (sd 0.01) on a circle of radius 1 (Srivastava et al. 2017)."""

    classes, sd, reach = 8, 0.01, 1.25

    @property
    def centres(self) -> "Tensor":
        import torch

        angles = 2 * torch.pi * torch.arange(self.classes, dtype=torch.float64) / self.classes
        return torch.stack([angles.cos(), angles.sin()], dim=1)


@register("grid")
class Grid(Mixture):
    """25 Gaussians (sd 0.05) on a square grid from −4 to 4 (Srivastava et al. 2017)."""

    classes, sd, reach = 25, 0.05, 5.0

    @property
    def centres(self) -> "Tensor":
        import torch

        line = torch.arange(-4.0, 5.0, 2.0, dtype=torch.float64)
        return torch.cartesian_prod(line, line)
