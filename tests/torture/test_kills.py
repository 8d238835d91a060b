"""The short version of `make torture`, and two sweeps in one store."""

import random
import signal
import time
from pathlib import Path

import pytest

from bench.training import status

from . import kills
from .sweeps import Difference, Sweep, compare, record

NONE = Difference(lost=0, duplicated=0, bits=0, rubbish=0)


@pytest.fixture(scope="module")
def shared(mnist_store: Path) -> tuple[Path, Path]:
    (mnist_store / "reference").mkdir(exist_ok=True)
    return mnist_store / "data" / "mnist", mnist_store / "reference"


@pytest.fixture(scope="module")
def whole(shared: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """An undisturbed sweep."""
    folder = tmp_path_factory.mktemp("sweeps") / "whole"
    sweep = Sweep(folder, *shared, "batchnorm_dropout,spectral_norm", seeds=1, budget=960)
    assert sweep.finish() == 0, sweep.log
    return sweep


@pytest.fixture
def another(whole: Sweep, shared: tuple[Path, Path], tmp_path: Path) -> Sweep:
    """The same sweep, not begun, in a store of its own."""
    return Sweep(tmp_path / "sweep", *shared, whole.variants, whole.seeds, whole.budget)


def test_killed_sweeps_end_as_undisturbed_ones(whole: Sweep, another: Sweep) -> None:
    chance = random.Random(7)
    for phase in ("first start of MLflow", "evaluation"):
        assert kills.kill(another, phase, chance), f"ended before '{phase}'"
    _two_signals(another)
    assert another.finish() == 0, another.log
    assert compare(record(whole), record(another)) == NONE
    assert "Traceback" not in another.log


def _two_signals(sweep: Sweep) -> None:
    """The second ends it at once, wherever it is."""
    before = time.time()
    process = sweep.start()
    while not any(_at_work(folder, before) for folder in sweep.trials.iterdir()):
        assert process.poll() is None, sweep.log
    for number in (signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    assert process.wait(10) in (130, 143)
    assert "Stopped at once" in sweep.log


def _at_work(folder: Path, since: float) -> bool:
    found = status.read(folder)
    return found.status == "running" and found.heartbeat > since


def test_two_sweeps_on_one_store_share_the_work(whole: Sweep, another: Sweep) -> None:
    both = [another.start(), another.start()]
    assert [process.wait() for process in both] == [0, 0], another.log
    assert compare(record(whole), record(another)) == NONE
    ends = [path.read_text().count('"event": "end"') for path in another.trials.glob("*/*.jsonl")]
    assert ends == [1, 1]


def test_a_machine_without_mlflow_trains_and_keeps_its_journals(another: Sweep) -> None:
    (another.folder / "mlflow.py").write_text("raise ImportError('not on this machine')")
    assert another.finish() == 0, another.log
    assert another.log.count("The mlflow package is missing here (not on this machine)") == 1
    assert "`ganbench publish" in another.log
    assert "Traceback" not in another.log
    ends = [path.read_text().count('"status": "done"') for path in another.trials.glob("*/*.jsonl")]
    assert ends == [1, 1]
