"""Equality with torch-fidelity 0.4.0 on the same features."""

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kernel_mmd
from torch_fidelity.metric_prc import calculate_precision_recall_full

from bench.evaluation import suite
from bench.evaluation.metrics import Value
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics


def _ours(
    names: list[str], fake: Tensor, real: Tensor, logits: Tensor | None = None
) -> dict[str, Value]:
    reference = Reference(lambda split: FeatureStatistics.of(real))
    samples = FeatureStatistics.of(fake, logits)
    return suite.compute(samples, reference, suite.named(names))[0]


def test_fid(real: Tensor, fake: Tensor) -> None:
    statistics = [fid_features_to_statistics(rows) for rows in (fake, real)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert _ours(["fid"], fake, real)["fid"] == pytest.approx(theirs, rel=1e-6)


def test_kid(real: Tensor, fake: Tensor) -> None:
    theirs = kernel_mmd(
        fake.numpy(), real.numpy(), kid_kernel="poly", kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1,
    )  # fmt: skip
    assert _ours(["kid"], fake, real)["kid"] == pytest.approx(theirs, rel=1e-6)


def test_score(real: Tensor, fake: Tensor) -> None:
    logits = 3 * torch.randn(500, 10, generator=torch.Generator().manual_seed(5)).double()
    theirs = isc_features_to_metric(logits, splits=1)["inception_score_mean"]
    ours = _ours(["inception_score"], fake, real, logits)["inception_score"]
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_precision_and_recall(real: Tensor, fake: Tensor) -> None:
    theirs = calculate_precision_recall_full(fake, real, neighborhood=3)
    ours = _ours(["precision", "recall"], fake, real)
    assert [ours["precision"], ours["recall"]] == pytest.approx(theirs, rel=1e-6)
    assert 0 < theirs[0] < 1
    assert 0 < theirs[1] < 1
