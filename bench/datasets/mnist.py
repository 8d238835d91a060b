"""MNIST as uint8 tensors, checked against its digests before any use (LeCun et al. 1998)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bench.datasets import files

Split = Literal["train", "heldout", "test"]

# Generators learn from the first 50,000 training images. The last 10,000 are held out, so that a
# checkpoint can be chosen without looking at the test images it is then measured against.
_SPLITS: dict[Split, tuple[str, slice]] = {
    "train": ("train", slice(0, 50_000)),
    "heldout": ("train", slice(50_000, 60_000)),
    "test": ("t10k", slice(0, 10_000)),
}


@dataclass(frozen=True)
class Images:
    """One split: ``images`` (N, 1, 28, 28) uint8, ``labels`` (N,) int64."""

    images: Tensor
    labels: Tensor


def load(split: Split) -> Images:
    """Read one split.

    Raises:
        UserError: a file is missing or its sha256 is not the known one.
    """
    prefix, rows = _SPLITS[split]
    pixels = _read(f"{prefix}-images-idx3-ubyte", header=16)
    labels = _read(f"{prefix}-labels-idx1-ubyte", header=8)
    return Images(pixels.view(-1, 1, 28, 28)[rows].clone(), labels[rows].to(torch.int64))


def _read(name: str, header: int) -> Tensor:
    content = files.read(files.folder() / name)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[header:]
