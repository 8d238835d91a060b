"""The short version of `make torture`, and two commands at once on one store."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import kills
from .kills import Moment
from .sweeps import Difference, Sweep, compare, record
from .zygote import Zygote, zygote

NONE = Difference(lost=0, duplicated=0, bits=0, rubbish=0)
SOON = 0.02
"""Seconds: such a small sweep is over soon."""


@pytest.fixture(scope="module")
def start() -> Iterator[Zygote]:
    with zygote() as ready:
        yield ready


@pytest.fixture(scope="module")
def shared(mnist_store: Path) -> tuple[Path, Path]:
    return mnist_store / "data" / "mnist", mnist_store / "reference"


def small(start: Zygote, folder: Path, shared: tuple[Path, Path]) -> Sweep:
    return Sweep(
        start, folder, *shared, "mlp_bce", seeds=2, budget=640, evaluations=2, samples=100,
        executor="serial", compares=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(
    start: Zygote, shared: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Sweep:
    """An undisturbed sweep."""
    sweep = small(start, tmp_path_factory.mktemp("sweeps") / "whole", shared)
    assert sweep.finish() == 0, sweep.log
    return sweep


@pytest.fixture
def another(start: Zygote, shared: tuple[Path, Path], tmp_path: Path) -> Sweep:
    """The same sweep, not begun, in a store of its own."""
    return small(start, tmp_path / "sweep", shared)


def test_a_killed_sweep_that_two_commands_go_on_with_ends_as_an_undisturbed_one(
    whole: Sweep, another: Sweep
) -> None:
    chance = random.Random(7)
    for phase in ("first start of MLflow", "evaluation"):
        assert kills.kill(another, phase, chance, SOON), f"ended before '{phase}'"
    _two_signals(another)
    assert kills.kill(another, "publishing", chance, SOON), "ended before 'publishing'"
    both = [another.start(), another.start()]
    assert [command.wait() for command in both] == [0, 0], another.log
    assert compare(record(whole), record(another)) == NONE
    assert "Traceback" not in another.log
    ends = [path.read_text().count('"status": "done"') for path in another.trials.glob("*/*.jsonl")]
    assert ends == [1, 1]


def _two_signals(sweep: Sweep) -> None:
    """The second ends it at once, wherever it is."""
    moment = Moment(sweep, time.time())
    command = sweep.start()
    while not any(moment.at_work()):
        assert command.poll() is None, sweep.log
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(command.pid, number)
    assert command.wait() in (130, 143)
    assert "Stopped at once" in sweep.log
