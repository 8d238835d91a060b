"""A small world for the tests that need the whole evaluator but not all of MNIST."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.datasets import Samples, mnist
from bench.evaluation import calibration, digits
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.extractor import FeatureExtractor


class _Quadrants(nn.Module):
    """Features: 4×4 blocks' mean brightness; logits: a fixed projection of them."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(16, 10)
        stream = torch.Generator().manual_seed(3)
        self.head.weight.data = 5 * torch.randn(10, 16, generator=stream)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = nn.functional.avg_pool2d(images, 7).flatten(1)
        return features, self.head(features)


@pytest.fixture(scope="session")
def splits(mnist_store: Path) -> dict[str, mnist.Images]:
    """The first few hundred images of each split."""
    sizes = {"train": 700, "heldout": 300, "test": 300}
    loaded = {name: mnist.load(name) for name in sizes}  # type: ignore[arg-type]
    return {
        name: mnist.Images(loaded[name].images[:n], loaded[name].labels[:n])
        for name, n in sizes.items()
    }


@pytest.fixture
def small_mnist(
    splits: dict[str, mnist.Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, mnist.Images]:
    """MNIST cut down to those images, with an empty store beside it."""
    monkeypatch.setattr(mnist, "load", splits.__getitem__)
    monkeypatch.setattr(
        mnist.MNIST, "split", lambda self, name: Samples(splits[name].images, splits[name].labels)
    )
    for room in (calibration, digits):
        monkeypatch.setattr(room, "SAMPLES", 300)
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path / "store"))
    return splits


@pytest.fixture
def quadrants() -> FeatureExtractor:
    return FeatureExtractor("quadrants", _Quadrants())


@pytest.fixture
def small_evaluator(small_mnist: object, quadrants: FeatureExtractor) -> Evaluator:
    """An evaluator with an untrained extractor, and the same one again as its second extractor."""
    return Evaluator(quadrants, {"_alt": lambda: quadrants}, digits.SETS)
