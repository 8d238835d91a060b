"""MNIST as uint8 tensors, checked against its digests before any use (LeCun et al. 1998)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.datasets import fetch, files
from bench.datasets.dataset import Report, Samples, Split, register
from bench.datasets.pixels import ImageDataset

if TYPE_CHECKING:
    from torch import Tensor

# Generators learn from the first 50,000 training images. The last 10,000 are held out, so that a
# checkpoint can be chosen without looking at the test images it is then measured against.
_SPLITS: dict[Split, tuple[str, slice]] = {
    "train": ("train", slice(0, 50_000)),
    "heldout": ("train", slice(50_000, 60_000)),
    "test": ("t10k", slice(0, 10_000)),
}


@register("mnist")
class MNIST(ImageDataset):
    """Handwritten digits in 28 × 28 grey levels (LeCun et al. 1998)."""

    shape = (1, 28, 28)
    classes = 10
    splits: ClassVar = {"train": "train[:50000]", "heldout": "train[50000:]", "test": "test"}
    digest = files.DIGEST

    def split(self, name: Split) -> Samples:
        import torch

        prefix, rows = _SPLITS[name]
        levels = _read(f"{prefix}-images-idx3-ubyte", header=16).view(-1, *self.shape)
        labels = _read(f"{prefix}-labels-idx1-ubyte", header=8)
        return Samples(levels[rows].clone(), labels[rows].to(torch.int64))

    def evaluator(self) -> Any:
        from bench.evaluation import Evaluator

        return Evaluator.load()

    @property
    def evaluator_id(self) -> str:
        from bench.evaluation import identity  # which does not load the evaluator

        return identity.DIGITS.id

    def ensure(self, report: Report = lambda line: None, *, refetch: bool = False) -> str:
        folder = fetch.ensure(report, refetch=refetch)
        return f"All four files in {folder} are the known ones."

    def content(self) -> dict[str, bytes]:
        return {f"data/mnist/{name}": files.read(files.folder() / name) for name in files.DIGESTS}


def _read(name: str, header: int) -> "Tensor":
    import torch

    content = files.read(files.folder() / name)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[header:]


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
