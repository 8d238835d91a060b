"""Images as data: uint8 grey or colour levels 0..255 as stored, float32 in [-1, 1] for networks."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.datasets.dataset import Dataset

if TYPE_CHECKING:
    from torch import Tensor

ACROSS, GAP = 8, 2
"""Images of a grid in each direction, and the pixels between them and around."""
WHITE = 255


def to_float(images: "Tensor") -> "Tensor":
    """uint8 0..255 to float32 in [-1, 1], any shape."""
    return images.float().mul_(2 / 255).sub_(1)


def to_grid(images: "Tensor") -> "Tensor":
    """Float in [-1, 1] to the nearest of 256 levels, any shape; values outside are clamped.

    Generated images are measured after this rounding, because real images went through it too.
    """
    return images.clamp(-1, 1).add(1).mul_(127.5).round_().byte()


class ImageDataset(Dataset):
    """A data set of images, ``shape`` (1 or 3, height, width)."""

    def encode(self, stored: "Tensor") -> "Tensor":
        return to_float(stored)

    def decode(self, values: "Tensor") -> "Tensor":
        return to_grid(values)

    def draw(self, samples: "Tensor", path: Path) -> None:
        """The first 64 images, 8 × 8, from which figures cut single ones."""
        from torchvision.utils import make_grid, save_image

        first = samples[: ACROSS**2].float() / WHITE
        tiles = make_grid(first, nrow=ACROSS, padding=GAP, pad_value=0.5)
        save_image(tiles, path, format="png")


def tiled(images: "Tensor", across: int, gap: int) -> "Tensor":
    """Images (N, channels, h, w) row by row with white gaps between; ``across`` divides N.

    (H, W) uint8 where they have one channel, else (H, W, channels).
    """
    from torch.nn import functional as F

    tiles = F.pad(images, (0, gap, 0, gap), value=WHITE)
    down, (channels, height, width) = len(tiles) // across, tiles.shape[1:]
    lines = tiles.view(down, across, channels, height, width).permute(0, 3, 1, 4, 2)
    picture = lines.reshape(down * height, across * width, channels)[:-gap, :-gap]
    return picture.squeeze(2)
