"""Answers that are known in closed form."""

import math

import numpy as np
import pytest
import torch
from numpy_fid import fid as numpy_fid
from numpy_fid import frechet as numpy_frechet
from torch import Tensor

from bench.evaluation import suite
from bench.evaluation.metrics import Value
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics, Gaussian, frechet


def _measured(
    name: str, fake: Tensor, real: Tensor, fake_logits: Tensor | None = None,
    real_logits: Tensor | None = None,
) -> Value:  # fmt: skip
    reference = Reference(lambda split: FeatureStatistics.of(real, real_logits))
    samples = FeatureStatistics.of(fake, fake_logits)
    return suite.compute(samples, reference, suite.named([name]))[0][name]


def _normal(n: int, d: int, seed: int = 0) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=stream, dtype=torch.float64)


def _one_hot(labels: Tensor, classes: int = 10, height: float = 200.0) -> Tensor:
    return height * (2 * torch.nn.functional.one_hot(labels, classes).double() - 1)


# Fréchet distance


def test_fid_of_identical_rows_is_zero(real: Tensor) -> None:
    assert abs(frechet(Gaussian.of(real), Gaussian.of(real.clone()))) < 1e-9


def exact(mean: Tensor, covariance: Tensor) -> Gaussian:
    """A Gaussian given by its statistics, as if of two rows."""
    moments = torch.cat([mean[None, :], covariance])
    count = torch.tensor([[2.0]] + [[0.0]] * len(mean), dtype=torch.float64)
    return Gaussian.unpacked(torch.cat([count, moments.double()], dim=1))


def test_fid_of_shifted_identity_covariances_is_the_squared_shift() -> None:
    shift = torch.linspace(-1, 2, 64, dtype=torch.float64)
    eye = torch.eye(64, dtype=torch.float64)
    got = frechet(exact(torch.zeros(64), eye), exact(shift, eye))
    assert got == pytest.approx(float(shift @ shift), rel=1e-12)


def test_fid_of_diagonal_covariances() -> None:
    s1, s2 = torch.linspace(0.1, 3, 20).double(), torch.linspace(2, 0.5, 20).double()
    zero = torch.zeros(20).double()
    got = frechet(exact(zero, (s1**2).diag()), exact(zero, (s2**2).diag()))
    assert got == pytest.approx(float(((s1 - s2) ** 2).sum()), rel=1e-10)


def test_fid_of_a_collapsed_generator(real: Tensor) -> None:
    point = torch.full((8,), 0.7, dtype=torch.float64)
    got = frechet(Gaussian.of(point.expand(300, 8)), Gaussian.of(real))
    spread = real.T.cov().trace()
    assert got == pytest.approx(float((point - real.mean(0)).square().sum() + spread), rel=1e-10)


def test_fid_of_fewer_samples_than_dimensions_and_dead_features() -> None:
    a, b = _normal(20, 64), _normal(500, 64, 1)
    a[:, :5] = b[:, 3:9] = 0
    expected = numpy_fid(a.numpy(), b.numpy())
    assert frechet(Gaussian.of(a), Gaussian.of(b)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "bias"), [(10_000, 0.2208), (2_000, 1.104)])
def test_fid_of_two_samples_of_one_distribution_is_the_known_bias(n: int, bias: float) -> None:
    got = frechet(Gaussian.of(_normal(n, 64)), Gaussian.of(_normal(n, 64, 1)))
    assert got == pytest.approx(bias, rel=0.05)


def test_fid_infinity_removes_the_generated_samples_share_of_that_bias() -> None:
    fake, real = _normal(2_000, 64), _normal(200_000, 64, 1)
    biased, unbiased = _measured("fid", fake, real), _measured("fid_infinity", fake, real)
    assert biased == pytest.approx(1.104 / 2, rel=0.1)
    assert abs(float(unbiased)) < 0.05


def test_fid_equals_plain_numpy(real: Tensor, fake: Tensor) -> None:
    got = _measured("fid", fake, real)
    assert got == pytest.approx(numpy_fid(fake.numpy(), real.numpy()), rel=1e-9)
    assert _measured("fid_heldout", fake, real) == got


def test_numpy_fid_itself_knows_the_shift() -> None:
    eye, shift = np.eye(5), np.arange(5.0)
    assert numpy_frechet(np.zeros(5), eye, shift, eye) == pytest.approx(30.0)


# Kernel distance


def test_kid_equals_a_double_loop(real: Tensor, fake: Tensor) -> None:
    x, y = fake[:40].numpy(), real[:30].numpy()

    def kernel(a: "np.ndarray", b: "np.ndarray") -> float:
        return float((a @ b / len(a) + 1) ** 3)

    own_x = [kernel(x[i], x[j]) for i in range(40) for j in range(40) if i != j]
    own_y = [kernel(y[i], y[j]) for i in range(30) for j in range(30) if i != j]
    cross = [kernel(a, b) for a in x for b in y]
    expected = np.mean(own_x) + np.mean(own_y) - 2 * np.mean(cross)
    assert _measured("kid", fake[:40], real[:30]) == pytest.approx(expected, rel=1e-10)


def test_kid_of_two_normals_in_one_dimension() -> None:
    a, b = _normal(200_000, 1), 0.3 + 1.2 * _normal(200_000, 1, 1)
    assert _kid_of_moments(a, b) == pytest.approx(2.863029, rel=0.05)
    a, b = a[:3000], b[:2000]
    assert _measured("kid", a, b) == pytest.approx(_kid_of_moments(a, b), rel=1e-9)


def _kid_of_moments(a: Tensor, b: Tensor) -> float:
    """E (xy + 1)³ = Σ C(3, p) E xᵖ E yᵖ, so one dimension needs no pairs at all."""
    total = 0.0
    for p, weight in ((1, 3), (2, 3), (3, 1)):
        x, y = a**p, b**p
        own = [(z.sum() ** 2 - (z**2).sum()) / (len(z) * (len(z) - 1)) for z in (x, y)]
        total += weight * float(own[0] + own[1] - 2 * x.mean() * y.mean())
    return total


def test_kid_of_exact_moments_is_the_published_constant() -> None:
    # E x, x², x³ of N(0, 1) are 0, 1, 0; of N(.3, 1.2): .3, 1.53, .3³ + 3·.3·1.44.
    one, two = (0.0, 1.0, 0.0), (0.3, 1.53, 0.027 + 3 * 0.3 * 1.44)
    exact = sum(w * (a - b) ** 2 for w, a, b in zip((3, 3, 1), one, two, strict=True))
    assert exact == pytest.approx(2.863029, abs=1e-6)


# Label metrics


def _score(fake: Tensor, logits: Tensor) -> Value:
    return _measured("inception_score", fake, _normal(9, 2), logits)


def test_score_of_uniform_probabilities_is_one() -> None:
    assert _measured(
        "inception_score", _normal(50, 2), _normal(9, 2), torch.zeros(50, 10)
    ) == pytest.approx(1.0)


def test_score_of_balanced_certain_labels_is_ten() -> None:
    logits = _one_hot(torch.arange(100) % 10)
    assert _score(_normal(100, 2), logits) == pytest.approx(10.0)


def test_score_of_a_collapsed_generator_is_one_without_nan() -> None:
    logits = _one_hot(torch.full((100,), 3))
    assert _score(_normal(100, 2), logits) == pytest.approx(1.0)


@pytest.mark.parametrize(("seen", "kl"), [(99, 2.3126), (1, math.log(1000))])
def test_mode_kl_of_some_of_a_thousand_modes(seen: int, kl: float) -> None:
    fake = _one_hot(torch.arange(10 * seen) % seen, 1000)
    real = _one_hot(torch.arange(1000), 1000)
    rows = _normal(1000, 2)
    got = _measured("mode_kl", rows[: len(fake)], rows, fake, real)
    assert got == pytest.approx(kl, abs=5e-5)


def test_mode_kl_of_sampling_from_the_reference_is_its_floor() -> None:
    stream = torch.Generator().manual_seed(0)
    real = _one_hot(torch.arange(10_000) % 10)
    labels = torch.randint(0, 10, (10_000,), generator=stream)
    rows = torch.zeros(10_000, 1)
    assert 1e-4 < float(_measured("mode_kl", rows, rows, _one_hot(labels), real)) < 1.5e-3


def test_modes_need_a_tenth_of_the_reference_share() -> None:
    real = _one_hot(torch.arange(1000) % 10)
    labels = torch.cat([torch.zeros(980), torch.full((10,), 1.0), torch.full((9,), 2.0)]).long()
    fake, rows = _one_hot(torch.cat([labels, torch.tensor([7])])), torch.zeros(1000, 1)
    assert _measured("modes", rows, rows, fake, real) == 2
    assert _measured("modes_any", rows, rows, fake, real) == 4
    assert _measured("missing", rows, rows, fake, real) == "2 3 4 5 6 7 8 9"


def test_confidence_of_known_probabilities() -> None:
    p = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]], dtype=torch.float64)
    got = _measured("confidence", torch.zeros(2, 1), torch.zeros(2, 1), p.log())
    assert got == pytest.approx(0.6)


# Overlaps


@pytest.mark.parametrize("name", ["precision", "recall", "density", "coverage"])
def test_overlaps_of_identical_sets_are_one(name: str, real: Tensor) -> None:
    assert _measured(name, real.clone(), real) == pytest.approx(1.0)


def test_overlaps_of_one_distribution_are_at_their_null_values() -> None:
    a, b = _normal(2000, 4), _normal(2000, 4, 1)
    n, k = 2000, 5
    expected = 1 - math.prod((n - i) / (n + n - i) for i in range(1, k + 1))
    assert _measured("coverage", a, b) == pytest.approx(expected, abs=0.015)
    assert _measured("density", a, b) == pytest.approx(1.0, abs=0.05)


def test_the_null_coverage_at_ten_thousand() -> None:
    n = 10_000
    exact = 1 - math.prod((n - i) / (n + n - i) for i in range(1, 6))
    assert exact == pytest.approx(0.9688, abs=5e-5)


def test_overlaps_of_disjoint_sets_are_zero(real: Tensor) -> None:
    for name in ("precision", "recall", "density", "coverage"):
        assert _measured(name, real + 1000, real) == 0.0
