"""The names and directions that a reader sees."""

import pytest

from bench.evaluation.declarations import Measure, measure
from bench.evaluation.metrics import REGISTRY


@pytest.mark.parametrize("name", sorted(REGISTRY.keys() - {"missing"}))
def test_directions_are_the_rulers_own(name: str) -> None:
    assert measure(name).better == REGISTRY[name].doc["better"]
    assert measure(name).about


def test_the_second_classifiers_measures_take_after_the_first() -> None:
    second = measure("witness_fid")
    assert (second.name, second.head, second.ratio) == ("witness_fid", "FID ↓", True)


def test_an_unknown_measure_has_no_direction() -> None:
    assert measure("new_one") == Measure("new_one", "new one")
    assert measure("new_one").head == measure("new_one").axis == "new one"


def test_heads_and_axes_say_the_unit_and_the_better_side() -> None:
    assert measure("mode_kl").head == "mode KL [nats] ↓"
    assert measure("fid").axis == "FID (lower is better)"
    assert measure("density").axis == "density (best near the floor)"
