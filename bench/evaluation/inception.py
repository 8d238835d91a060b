"""Inception-v3 as an evaluator, for those who have its weights: the FID that papers print."""

from pathlib import Path

import torch
from torch import Tensor, nn

from bench.datasets import Dataset, files, pixels
from bench.errors import UserError
from bench.evaluation.extractor import FeatureExtractor

# An image is 299×299 in there; this many take about 0.3 GB.
_CHUNK = 25


class _Inception(nn.Module):
    """torchmetrics' extractor behind our input: grey levels in [-1, 1] to 2048 features."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        from torchmetrics.image import FrechetInceptionDistance

        theirs = FrechetInceptionDistance(2048, feature_extractor_weights_path=str(weights))
        self.net = theirs.inception

    def forward(self, images: Tensor) -> Tensor:
        coloured = pixels.to_grid(images).expand(-1, 3, -1, -1)
        return torch.cat([self.net(chunk) for chunk in torch.split(coloured, _CHUNK)])


def extractor(weights: Path, dataset: Dataset | None = None) -> FeatureExtractor:
    """The extractor ``inception-<first eight digits of the weights' sha256>``.

    Ten thousand images take about half an hour on one core; the reference's are kept in the store.

    Args:
        weights: the ported TensorFlow weights in PyTorch's form, as torch-fidelity publishes them.
        dataset: whose images it sees; by default the usual one.

    Raises:
        UserError: there is no such file, it is not these weights, or torch-fidelity is missing.
    """
    if not weights.is_file():
        raise UserError(f"There are no Inception weights at {weights}: give the path of the file.")
    try:
        torch.load(weights, weights_only=True)  # torch-fidelity itself would unpickle anything
        net = _Inception(weights)
    except ModuleNotFoundError as error:
        raise UserError(
            "Inception needs the package torch-fidelity: install it next to ganbench, then run "
            "the same command again."
        ) from error
    except Exception as error:  # a foreign file: the unpickler lets anything out
        raise UserError(
            f"{weights} does not hold the Inception weights that torch-fidelity publishes: "
            "fetch the file again."
        ) from error
    return FeatureExtractor(f"inception-{files.digest_of(weights)[:8]}", net, dataset)
