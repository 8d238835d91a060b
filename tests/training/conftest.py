"""A trial small enough to be trained many times: a few steps, measured on a few samples."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import experiment as experiments
from bench.sweep import plan as planning
from bench.sweep.plan import Planned

SMALL = ("budget=960", "batch=32", "samples=100", "evaluations=3", "seeds=1")

MakeTrial = Callable[..., Planned]


@pytest.fixture
def make_trial(own_store: Path) -> MakeTrial:
    def make(variant: str = "mlp_bce", *overrides: str, plugins: tuple[Path, ...] = ()) -> Planned:
        chosen = experiments.load("quick", [*SMALL, *overrides])
        chosen = experiments.select(chosen, [variant], None)
        (item,) = planning.plan(chosen)
        planning.prepare([item], chosen, plugins)
        return item

    return make
