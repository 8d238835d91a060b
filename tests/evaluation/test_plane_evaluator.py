"""The evaluator of points: known answers of each metric."""

import math

import pytest
import torch

from bench import datasets
from bench.datasets.plane import Mixture
from bench.evaluation import Evaluator
from bench.evaluation.calibration import FLOOR
from bench.evaluation.metrics import plane
from bench.evaluation.statistics import FeatureStatistics

N = 2500


@pytest.fixture(scope="module")
def ring() -> Evaluator:
    return Evaluator.load("ring")


def drawn(name: str, labels: torch.Tensor, spread: float = 1.0) -> torch.Tensor:
    dataset = datasets.get(name)
    assert isinstance(dataset, Mixture)
    noise = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(1)).double()
    return dataset.centres[labels] + spread * dataset.sd * noise


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_an_ideal_sampler_gets_what_theory_says(name: str, modes: int) -> None:
    labels = torch.randint(modes, (N,), generator=torch.Generator().manual_seed(2))
    values = Evaluator.load(name).measure(drawn(name, labels))
    assert values["modes"] == values["modes_any"] == modes
    assert values["missing"] == "none"
    assert values["high_quality"] == pytest.approx(100 * (1 - math.exp(-4.5)), abs=0.7)
    # Twice n times the divergence is chi-squared with K − 1 degrees of freedom.
    assert 0 < float(values["mode_kl"]) < (modes - 1 + 4 * math.sqrt(2 * (modes - 1))) / (2 * N)


def test_one_lost_mode_is_seen_by_every_measure(ring: Evaluator) -> None:
    values = ring.measure(drawn("ring", torch.arange(N) % 7), True)
    assert (values["modes"], values["modes_any"], values["missing"]) == (7, 7, "7")
    assert values["mode_kl"] == pytest.approx(math.log(8 / 7), abs=1e-3)
    floor = ring.floor(N, True)
    assert float(values["fid"]) > 10 * float(floor["fid"])
    assert float(values["sliced_wasserstein"]) > 2 * float(floor["sliced_wasserstein"])
    assert float(values["plane_frechet"]) > 5 * float(floor["plane_frechet"])


def test_fid_puts_known_sets_into_the_order_of_their_quality(ring: Evaluator) -> None:
    fid = {str(row["row"]): float(row["fid"]) for row in ring.calibration()}
    order = sorted(fid, key=fid.__getitem__)
    assert order[:4] == [FLOOR, "centres only", "twice as wide", "half of the modes"]
    assert set(order[4:]) == {"one mode", "uniform noise"}
    blind = {str(row["row"]): float(row["plane_frechet"]) for row in ring.calibration()}
    assert blind["uniform noise"] < 5 * blind[FLOOR]


def test_a_mode_is_seen_by_one_point_and_covered_by_a_tenth_of_its_share(ring: Evaluator) -> None:
    labels = torch.arange(N) % 7
    labels[0] = 7
    values = ring.measure(drawn("ring", labels, spread=0.1))
    assert (values["modes"], values["modes_any"]) == (7, 8)


def test_three_standard_deviations_are_a_circle_not_a_box(ring: Evaluator) -> None:
    # Along each axis 2.5 sd away, together 3.5: inside a box of 3 sd, outside the circle.
    centre = drawn("ring", torch.zeros(N, dtype=torch.int64), 0.0)
    assert ring.measure(centre + 0.025)["high_quality"] == 0
    assert ring.measure(centre + torch.tensor([0.0299, 0.0]))["high_quality"] == 100


def test_points_far_from_every_mode_have_no_divergence(ring: Evaluator) -> None:
    measured = ring.score(torch.zeros(N, 2, dtype=torch.float64), True, with_noise=False)
    assert (measured.metrics["modes"], measured.metrics["high_quality"]) == (0, 0)
    assert "mode_kl" in measured.omitted
    # |mean|² + trace of a single point: the ring's radius, as networks see it, squared.
    assert measured.metrics["plane_frechet"] == pytest.approx(1 / 1.25**2, rel=0.02)


def test_networks_points_and_stored_ones_are_told_apart_by_their_type(ring: Evaluator) -> None:
    stored = drawn("ring", torch.arange(N) % 8)
    seen = datasets.get("ring").encode(stored)
    assert ring.measure(seen)["high_quality"] == ring.measure(stored)["high_quality"]


def test_metrics_of_images_are_not_measured_and_those_of_points_not_of_images(
    ring: Evaluator,
) -> None:
    names = set(ring.measure(drawn("ring", torch.arange(N) % 8), True))
    assert not names & {"inception_score", "confidence", "precision", "authpct"}
    digits = {metric.name for metric in Evaluator.load("mnist").at("each evaluation", "final")}
    assert not digits & {"high_quality", "sliced_wasserstein"}
    assert "precision" in digits


def test_sliced_wasserstein_of_a_shift_and_against_a_brute_force() -> None:
    a = torch.randn(3, 7, generator=torch.Generator().manual_seed(0)).double()
    b = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)).double().sort().values
    expected = (a.sort().values.repeat_interleave(4, 1) - b.repeat_interleave(7, 1)).square()
    assert torch.allclose(plane.wasserstein_squared(a, b), expected.mean(1))
    points = torch.randn(500, 2, generator=torch.Generator().manual_seed(2)).double()
    moved = plane.projections(points + torch.tensor([3.0, 4.0]))
    distance = plane.wasserstein_squared(moved, plane.projections(points).sort().values).mean()
    assert float(distance.sqrt()) == pytest.approx(5 / math.sqrt(2))  # of which each line sees cos²


def test_calibration_has_a_row_for_each_known_set(ring: Evaluator) -> None:
    rows = {row["row"]: row for row in ring.calibration()}
    assert rows["one mode"]["modes"] == 1
    assert rows["half of the modes"]["modes"] == 4
    assert rows["centres only"]["high_quality"] == 100
    assert rows["twice as wide"]["high_quality"] == pytest.approx(67.5, abs=3)  # 1 − e^(−9/8)
    assert rows["uniform noise"]["modes"] == 0
    assert {row["n"] for row in rows.values()} == {N}
    assert len(rows) == 6


def test_statistics_know_equal_classes() -> None:
    from bench.evaluation.statistics import ClassHistogram

    equal = ClassHistogram.equal(25)
    assert equal.count == int(equal.counts.sum()) == 25
    assert float(equal.share.max()) == 0.04
    assert FeatureStatistics().histogram.count == 0
