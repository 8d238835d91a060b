"""Properties of the streaming statistics and of the Fréchet distance."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.evaluation.statistics import Gaussian, frechet

_SEEDS = st.integers(0, 10_000)


def _rows(seed: int, n: int = 60, d: int = 6) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    scales = torch.logspace(-3, 1, d, dtype=torch.float64)
    return torch.randn(n, d, generator=stream, dtype=torch.float64) * scales + 3


def _fid(a: Tensor, b: Tensor) -> float:
    return frechet(Gaussian.of(a), Gaussian.of(b))


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-10 * max(1.0, abs(a), abs(b))


@settings(deadline=None)
@given(_SEEDS, st.lists(st.integers(1, 59), max_size=6))
def test_ragged_streaming_equals_one_shot(seed: int, cuts: list[int]) -> None:
    rows = _rows(seed)
    streamed = Gaussian()
    for part in torch.tensor_split(rows, sorted(cuts)):
        if len(part):
            streamed.update(part)
    torch.testing.assert_close(streamed.mean, rows.mean(0), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(streamed.covariance, rows.T.cov(), rtol=1e-10, atol=1e-12)
    assert _close(frechet(streamed, Gaussian.of(_rows(1))), _fid(rows, _rows(1)))


@settings(deadline=None)
@given(_SEEDS, _SEEDS)
def test_symmetric_and_never_negative(one: int, two: int) -> None:
    a, b = _rows(one), 0.5 * _rows(two)
    assert _fid(a, b) >= 0
    assert _close(_fid(a, b), _fid(b, a))


@settings(deadline=None)
@given(_SEEDS)
def test_invariant_under_a_common_rotation_and_order(seed: int) -> None:
    a, b = _rows(seed), _rows(seed + 1) * 1.5
    stream = torch.Generator().manual_seed(seed)
    rotation, _ = torch.linalg.qr(torch.randn(6, 6, generator=stream, dtype=torch.float64))
    order = torch.randperm(60, generator=stream)
    assert _close(_fid(a, b), _fid(a @ rotation, b @ rotation))
    assert _close(_fid(a, b), _fid(a[order], b))


@settings(deadline=None)
@given(_SEEDS, st.floats(0.01, 100))
def test_scales_with_the_square(seed: int, factor: float) -> None:
    a, b = _rows(seed), _rows(seed + 1) + 0.3
    assert _close(_fid(factor * a, factor * b) / factor**2, _fid(a, b))


@settings(deadline=None)
@given(_SEEDS)
def test_grows_with_noise(seed: int) -> None:
    a, b = _rows(seed, 400), _rows(seed + 1, 400)
    noise = _rows(seed + 2, 400) - 3
    values = [_fid(a + level * noise, b) for level in (0, 1, 2, 4)]
    assert values == sorted(values)


def test_updating_after_a_distance_forgets_the_old_root() -> None:
    grown, other = Gaussian.of(_rows(0)), Gaussian.of(_rows(1))
    frechet(grown, other)
    grown.update(2 * _rows(2))
    assert _close(frechet(grown, other), _fid(torch.cat([_rows(0), 2 * _rows(2)]), _rows(1)))
