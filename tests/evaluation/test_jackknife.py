"""The noise that is told from one set of samples against that of really drawing many sets."""

import statistics

import pytest
import torch
from torch import Tensor

from bench.evaluation import suite
from bench.evaluation.declarations import EACH
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics
from bench.evaluation.suite import noise

N, SETS = 1000, 60
STREAM = torch.Generator().manual_seed(5)
MIX = torch.randn(8, 8, generator=STREAM, dtype=torch.float64) / 3
HEAD = torch.randn(8, 10, generator=STREAM, dtype=torch.float64)


def draw(shift: float) -> FeatureStatistics:
    """Correlated features away from the centre, and a linear classifier's logits."""
    rows = torch.randn(N, 8, generator=STREAM, dtype=torch.float64) @ MIX + shift
    return FeatureStatistics.of(rows, rows @ HEAD)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(lambda split: draw(0.0))


@pytest.mark.parametrize("name", ["fid", "mode_kl", "confidence", "inception_score"])
def test_it_is_the_spread_over_fresh_sets(name: str, reference: Reference) -> None:
    metrics = suite.named([name])
    sets = [draw(0.2) for _ in range(SETS)]
    measured = [float(metrics[0].compute(one, reference)) for one in sets]  # type: ignore[arg-type]
    told = [noise(one, reference, metrics)[name] for one in sets]
    # With 60 sets the spread itself is known to 9 %.
    assert statistics.mean(told) == pytest.approx(statistics.stdev(measured), rel=0.25)


def test_only_numbers_have_noise_and_a_few_samples_have_none(reference: Reference) -> None:
    found = noise(draw(0.2), reference, suite.at(EACH))
    assert {"fid", "modes"} <= found.keys()
    assert "missing" not in found
    few = FeatureStatistics.of(torch.zeros(39, 8, dtype=torch.float64), torch.zeros(39, 10))
    assert noise(few, reference, suite.at(EACH)) == {}


def test_the_order_of_the_samples_does_not_matter_much(reference: Reference) -> None:
    one = draw(0.2)
    order: Tensor = one.rows[:, 0].argsort()
    told, of_sorted = (
        noise(e, reference, suite.named(["fid"]))["fid"] for e in (one, one.subset(order))
    )
    assert of_sorted == pytest.approx(told, rel=0.6)
