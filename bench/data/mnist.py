"""MNIST as uint8 tensors, checked against its digests before any use (LeCun et al. 1998)."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bench import store
from bench.errors import UserError

Split = Literal["train", "heldout", "test"]

DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DIGEST = hashlib.sha256("".join(DIGESTS[name] for name in sorted(DIGESTS)).encode()).hexdigest()
"""Identity of the data set: the sha256 of the four files' digests in the order of their names."""

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


def folder() -> Path:
    """The folder the four files are read from: ``GANBENCH_DATA``, else the store's."""
    given = os.environ.get("GANBENCH_DATA")
    return Path(given).absolute() if given else store.root() / "data" / "mnist"


def load(split: Split) -> Images:
    """Read one split.

    Raises:
        UserError: a file is missing or its sha256 is not the known one.
    """
    prefix, rows = _SPLITS[split]
    pixels = _read(f"{prefix}-images-idx3-ubyte", header=16)
    labels = _read(f"{prefix}-labels-idx1-ubyte", header=8)
    return Images(pixels.view(-1, 1, 28, 28)[rows].clone(), labels[rows].to(torch.int64))


def digest_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path) -> None:
    """Check one of the four files.

    Raises:
        UserError: it is missing or altered; the sentence names the command that mends it.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: {_mend()}.")
    found = digest_of(path)
    if found != DIGESTS[path.name]:
        raise UserError(
            f"{path} is not the MNIST file it should be (expected sha256 {DIGESTS[path.name]}, "
            f"found {found}): {_mend()}."
        )


def _mend() -> str:
    if os.environ.get("GANBENCH_DATA"):
        return "put the original file into the folder that GANBENCH_DATA names, or unset it"
    return "run `ganbench data` to fetch it again"


def _read(name: str, header: int) -> Tensor:
    path = folder() / name
    verify(path)
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)[header:]
