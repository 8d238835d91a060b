"""The two forms of an image: uint8 grey levels 0..255, and float32 in [-1, 1]."""

import torch
from torch import Tensor


def to_float(images: Tensor) -> Tensor:
    """uint8 0..255 to float32 in [-1, 1], any shape."""
    return images.to(torch.float32).mul_(2 / 255).sub_(1)


def to_grid(images: Tensor) -> Tensor:
    """Float in [-1, 1] to the nearest of 256 grey levels, any shape; values outside are clamped.

    Generated images are measured after this rounding, because real images went through it too.
    """
    return images.clamp(-1, 1).add(1).mul_(127.5).round_().to(torch.uint8)
