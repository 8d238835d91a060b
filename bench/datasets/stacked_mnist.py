"""Stacked-MNIST (Metz et al. 2017): three digits as the colours of an image, a thousand modes."""

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench import seeding
from bench.datasets.dataset import Report, Samples, Split, register
from bench.datasets.mnist import MNIST
from bench.datasets.pixels import ImageDataset

if TYPE_CHECKING:
    from torch import Tensor

_SIZES: dict[Split, int] = {"train": 128_000, "heldout": 26_000, "test": 26_000}
"""So many triples did VEEGAN train on, and so many samples did it measure."""


@register("stacked_mnist")
class StackedMNIST(ImageDataset):
    """Three MNIST digits as red, green and blue: 1,000 triples (Metz et al. 2017).

    The triples of a split are drawn from that split's digits, each colour on its own. They are
    fixed, as in VEEGAN (Srivastava et al. 2017); Metz et al. draw fresh ones for each batch.
    """

    shape = (3, *MNIST.shape[1:])
    classes = MNIST.classes**3
    splits: ClassVar = {
        name: f"{size:,} triples of {MNIST.splits[name]}" for name, size in _SIZES.items()
    }

    def split(self, name: Split) -> Samples:
        digits = MNIST().split(name)
        assert digits.labels is not None
        rows = triples(name, len(digits))
        return Samples(digits.values[:, 0][rows], label(digits.labels[rows]))

    @cached_property
    def digest(self) -> str:
        """The sha256 of MNIST's digest and of all triples, because their images are many."""
        digest = hashlib.sha256(MNIST.digest.encode())
        for name in _SIZES:
            digest.update(triples(name, len(MNIST().split(name))).numpy().tobytes())
        return digest.hexdigest()

    def evaluator(self) -> Any:
        from bench.evaluation import stacked

        return stacked.evaluator(self)

    @property
    def evaluator_id(self) -> str:
        return f"stacked-{MNIST().evaluator_id}"

    def ensure(self, report: Report = lambda line: None, *, refetch: bool = False) -> str:
        return MNIST().ensure(report, refetch=refetch)

    def content(self) -> dict[str, bytes]:
        return MNIST().content()


def triples(name: Split, digits: int) -> "Tensor":
    """(triples, 3) int64: the indices of a split's digits, a pure function of the split."""
    import torch

    stream = seeding.generator("dataset", 1, list(_SIZES).index(name))
    return torch.randint(digits, (_SIZES[name], 3), generator=stream)


def label(digits: "Tensor") -> "Tensor":
    """(N, 3) digits to (N,): red the hundreds, green the tens, blue the ones."""
    return digits @ digits.new_tensor([100, 10, 1])
