"""Inception as an evaluator sees what torchmetrics' FID sees, here with random weights."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import FrechetInceptionDistance

from bench.datasets import files, mnist
from bench.errors import UserError
from bench.evaluation.evaluator import Evaluator


class _Blank(FeatureExtractorInceptionV3):
    """The same architecture before any weights are loaded into it."""

    def load_state_dict(self, *given: object, **named: object) -> None:  # type: ignore[override]
        return None


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save({}, path)
    torch.manual_seed(0)
    net = _Blank("blank", ["2048"], str(path))
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)  # keeps the features' scale through the depth
    torch.save(net.state_dict(), path)
    return path


def test_features_and_name(weights: Path, mnist_store: Path) -> None:
    images = mnist.load("test").images[:4]
    evaluator = Evaluator.from_file(weights)
    theirs = FrechetInceptionDistance(2048, feature_extractor_weights_path=str(weights))
    ((features, logits),) = evaluator.extractor.passes(images)
    expected = theirs.inception(images.expand(-1, 3, -1, -1))
    torch.testing.assert_close(features, expected.double(), rtol=1e-3, atol=1e-4)
    assert logits is None
    assert expected.std(0).max() > 1e-3
    assert (
        evaluator.measure_name
        == f"inception-{files.digest_of(weights)[:8]}/penultimate/n10000/test"
    )


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no Inception weights at"):
        Evaluator.from_file(tmp_path / "weights.pth")
    for content in (b"", b"text"):
        (tmp_path / "weights.pth").write_bytes(content)
        with pytest.raises(UserError, match="does not hold the Inception weights"):
            Evaluator.from_file(tmp_path / "weights.pth")
    torch.save({"x": torch.zeros(3)}, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="does not hold the Inception weights"):
        Evaluator.from_file(tmp_path / "weights.pth")
