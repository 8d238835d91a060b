"""Equality with torchmetrics 1.9 when its extractor is the identity on our features."""

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from bench.evaluation import suite
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

# torchmetrics announces that it keeps all features; here that is 500 rows.
pytestmark = pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features")


class _Identity(nn.Module):
    num_features = 8

    def forward(self, x: Tensor) -> Tensor:
        return x


def _ours(name: str, fake: Tensor, real: Tensor, logits: Tensor | None = None) -> float:
    reference = Reference(lambda split: FeatureStatistics.of(real))
    samples = FeatureStatistics.of(fake, logits)
    return float(suite.compute(samples, reference, suite.named([name]))[0][name])


def test_fid(real: Tensor, fake: Tensor) -> None:
    theirs = FrechetInceptionDistance(feature=_Identity(), input_img_size=(8,))
    theirs.set_dtype(torch.float64)
    for part in real.split(100):
        theirs.update(part, real=True)
    for part in fake.split(100):
        theirs.update(part, real=False)
    assert _ours("fid", fake, real) == pytest.approx(theirs.compute().item(), rel=1e-6)


def test_kid(real: Tensor, fake: Tensor) -> None:
    theirs = KernelInceptionDistance(feature=_Identity(), subsets=1, subset_size=len(real))
    theirs.set_dtype(torch.float64)
    theirs.update(real, real=True)
    theirs.update(fake, real=False)
    assert _ours("kid", fake, real) == pytest.approx(theirs.compute()[0].item(), rel=1e-6)


def test_score(real: Tensor, fake: Tensor) -> None:
    logits = 3 * torch.randn(500, 10, generator=torch.Generator().manual_seed(5)).double()
    theirs = InceptionScore(feature=_Identity(), splits=1)
    theirs.update(logits)
    with pytest.warns(UserWarning, match="degrees of freedom"):  # the sd over its one split
        mean, _ = theirs.compute()
    assert _ours("inception_score", fake, real, logits) == pytest.approx(mean.item(), rel=1e-6)
