"""A trial small enough to be trained many times: a few steps, measured on a few samples."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.executors import plan as planning
from bench.executors.plan import Planned
from bench.training import trainer
from bench.trials import experiment as experiments

SMALL = ("budget=960", "batch=32", "samples=100", "evaluations=3", "seeds=1")

MakeTrial = Callable[..., Planned]
After = Callable[[int], Callable[[], bool]]


@pytest.fixture
def make_trial(own_store: Path) -> MakeTrial:
    def make(variant: str = "mlp_bce", *overrides: str, plugins: tuple[Path, ...] = ()) -> Planned:
        chosen = experiments.load("quick", [*SMALL, *overrides])
        chosen = experiments.select(chosen, [variant], None)
        (item,) = planning.plan(chosen)
        planning.prepare([item], chosen, plugins)
        return item

    return make


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> After:
    """Makes a `stopping` that says yes from a given step of the trial on."""
    reached = [0]
    train_step = trainer.Trainer.train_step

    def count(self: trainer.Trainer) -> None:
        train_step(self)
        reached[0] = self.step

    def at(step: int) -> Callable[[], bool]:
        reached[0] = 0
        return lambda: reached[0] >= step

    monkeypatch.setattr(trainer.Trainer, "train_step", count)
    return at
