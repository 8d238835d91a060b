"""Neighbours and memorisation hints against the plainest possible code, and SciPy's U."""

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor

from bench.evaluation import suite
from bench.evaluation.metrics import Value
from bench.evaluation.metrics.manifold import radii
from bench.evaluation.metrics.memorisation import mann_whitney_z, nearest
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

_LOGITS = torch.randn(500, 3, generator=torch.Generator().manual_seed(2)).double()


def _reference(test: Tensor, train: Tensor) -> Reference:
    return Reference(
        lambda split: FeatureStatistics.of(train if split == "train" else test, _LOGITS)
    )


def _measured(name: str, fake: Tensor, test: Tensor, train: Tensor) -> Value:
    samples = FeatureStatistics.of(fake, _LOGITS.flip(0))
    return suite.compute(samples, _reference(test, train), suite.named([name]))[0][name]


def _distances(a: Tensor, b: Tensor) -> np.ndarray:
    return np.array([[np.linalg.norm(x - y) for y in b.numpy()] for x in a.numpy()])


@pytest.fixture(scope="module")
def train() -> Tensor:
    stream = torch.Generator().manual_seed(8)
    return torch.randn(300, 8, generator=stream, dtype=torch.float64)


@pytest.fixture(scope="module")
def to_train(fake: Tensor, real: Tensor, train: Tensor) -> dict[str, np.ndarray]:
    own = _distances(train, train)
    np.fill_diagonal(own, np.inf)
    return {
        "fake": _distances(fake, train),
        "test": _distances(real, train),
        "train": own,
    }


def test_radii(train: Tensor) -> None:
    expected = np.sort(_distances(train, train), axis=1)[:, [3, 5]] ** 2
    np.testing.assert_allclose(radii(train, 3, 5).numpy(), expected, rtol=1e-9)


def test_distances_far_from_the_origin_keep_their_digits(train: Tensor) -> None:
    torch.testing.assert_close(radii(train + 1e5, 3), radii(train, 3), rtol=1e-6, atol=0)


def test_nearest(fake: Tensor, train: Tensor, to_train: dict[str, np.ndarray]) -> None:
    distance, index = nearest(fake, train)
    np.testing.assert_array_equal(index.numpy(), to_train["fake"].argmin(1))
    np.testing.assert_allclose(distance.numpy(), to_train["fake"].min(1), rtol=1e-12)
    assert nearest(train[:9], train)[0].tolist() == [0.0] * 9


def test_neighbour_ratio(
    fake: Tensor, real: Tensor, train: Tensor, to_train: dict[str, np.ndarray]
) -> None:
    fakes, tests = np.sort(to_train["fake"].min(1)), np.sort(to_train["test"].min(1))
    expected = fakes[249] / tests[249]
    assert _measured("neighbour_ratio", fake, real, train) == pytest.approx(expected)


def test_authpct(
    fake: Tensor, real: Tensor, train: Tensor, to_train: dict[str, np.ndarray]
) -> None:
    apart = to_train["train"].min(1)[to_train["fake"].argmin(1)]
    expected = 100 * np.mean(to_train["fake"].min(1) > apart)
    assert 0 < expected < 100
    assert _measured("authpct", fake, real, train) == pytest.approx(expected)
    assert _measured("authpct", train[:50].repeat(10, 1), real, train) == 0.0


def test_copying_ct(
    fake: Tensor, real: Tensor, train: Tensor, to_train: dict[str, np.ndarray]
) -> None:
    ours, theirs = _LOGITS.flip(0).argmax(1).numpy(), _LOGITS.argmax(1).numpy()
    total = 0.0
    for cell in range(3):
        a = to_train["fake"].min(1)[ours == cell]
        b = to_train["test"].min(1)[theirs == cell]
        m, n = len(a), len(b)
        u = mannwhitneyu(a, b).statistic
        total += n / 500 * (u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12)
    assert _measured("copying_ct", fake, real, train) == pytest.approx(total, rel=1e-9)


def test_mann_whitney_counts_ties_half() -> None:
    a, b = torch.tensor([1.0, 2.0, 2.0, 5.0]), torch.tensor([2.0, 2.0, 3.0])
    u = mannwhitneyu(a.numpy(), b.numpy()).statistic
    assert mann_whitney_z(a, b) == pytest.approx((u - 6) / np.sqrt(4 * 3 * 8 / 12))


def test_digit_coverage(fake: Tensor, real: Tensor) -> None:
    ours, theirs = _LOGITS.flip(0).argmax(1), _LOGITS.argmax(1)
    shares = []
    for digit in range(3):
        reals, fakes = real[theirs == digit], fake[ours == digit]
        reach = np.sort(_distances(reals, reals), axis=1)[:, 5]
        shares.append(np.mean(_distances(reals, fakes).min(1) < reach))
    lowest = _measured("digit_coverage_lowest", fake, real, real)
    assert lowest == pytest.approx(min(shares))
    assert _measured("digit_coverage_mean", fake, real, real) == pytest.approx(np.mean(shares))
