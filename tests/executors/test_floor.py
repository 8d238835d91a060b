"""The floor that a sweep records is measured at the experiment's own number of samples."""

from pathlib import Path

import pytest

from bench import datasets
from bench.errors import UserError
from bench.executors import run
from bench.executors.plan import plan
from bench.trials import experiment

ROWS = [{"row": "noise", "n": 10_000, "fid": 900.0}]


class _Evaluator:
    """Knows what 10,000 held-out images or fewer get, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def floor(self, n: int, final: bool) -> dict[str, float | str]:
        self.asked.append(n)
        return {"fid": 1000 / n, "modes": 10, "missing": "none"} if n <= 10_000 else {}


@pytest.fixture
def evaluator(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> _Evaluator:
    evaluator = _Evaluator()
    monkeypatch.setattr(type(datasets.get("mnist")), "evaluator", lambda dataset: evaluator)
    monkeypatch.setattr(run.calibration, "shipped", lambda given: ROWS)
    return evaluator


def _floor(samples: int) -> dict[str, float]:
    chosen = experiment.load("quick", [f"samples={samples}"])
    return run._about(chosen, plan(chosen)).floor


@pytest.mark.parametrize("samples", [100, 1000, 10_000])
def test_it_is_at_the_n_of_the_samples_and_says_so(samples: int, evaluator: _Evaluator) -> None:
    assert _floor(samples) == {"n": samples, "fid": 1000 / samples, "modes": 10.0}


def test_a_batch_of_more_than_the_training_samples_is_refused(own_store: Path) -> None:
    chosen = experiment.load("quick", ["batch=60000"])
    with pytest.raises(UserError, match="batch of 60,000 is larger than the 50,000 training samp"):
        run._require_samples(chosen)


def test_it_is_empty_where_there_are_too_few_real_images(evaluator: _Evaluator) -> None:
    assert _floor(20_000) == {}
    assert evaluator.asked[0] == 10_000  # which fills the cache that the workers read
