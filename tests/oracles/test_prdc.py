"""Equality with prdc 0.2, the reference code of Naeem et al. 2020."""

import pytest
from prdc import compute_prdc
from torch import Tensor

from bench.evaluation.metrics import manifold
from bench.evaluation.metrics.manifold import radii


@pytest.mark.parametrize("k", [3, 5])
def test_all_four(k: int, real: Tensor, fake: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifold, "PRECISION_K", k)
    monkeypatch.setattr(manifold, "COVERAGE_K", k)
    theirs = compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
    own = radii(real, k)[:, 0]
    ours = manifold.overlap_of(real, fake, own, own)
    assert ours._asdict() == pytest.approx(theirs, rel=1e-12)
    assert 0 < ours.coverage < 1


def test_collapsed_fakes(real: Tensor) -> None:
    fake = real[:1].expand(50, 8).contiguous()
    theirs = compute_prdc(real.numpy(), fake.numpy(), nearest_k=3)
    near, far = radii(real, 3, 5).T
    ours = manifold.overlap_of(real, fake, near, far)
    assert (ours.precision, ours.recall) == (theirs["precision"], theirs["recall"]) == (1.0, 0.0)
