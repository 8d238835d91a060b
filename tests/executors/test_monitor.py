"""What runs next to the training."""

import threading
from pathlib import Path

from bench.executors.monitor import ProgressMonitor
from bench.executors.plan import Planned, Standing
from bench.trials import experiment as experiments


class Silent:
    """A view that remembers whether it was told of the stop."""

    stopping = False

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None:
        self.stopping = stopping


class Idle:
    """A mirror that is never asked to send."""

    problem: str | None = None

    def send(self, trial_folder: object, *, verify: bool = False) -> bool:
        raise AssertionError

    def retry(self) -> None:
        """Nothing has failed."""


class Refusing:
    """A mirror that takes one trial and refuses the other, whatever is asked in between."""

    def __init__(self, refused: Path) -> None:
        self.problem: str | None = None
        self._refused, self.verified = refused, set[Path]()

    def send(self, trial_folder: Path, *, verify: bool = False) -> bool:
        self.verified |= {trial_folder} if verify else set()
        self.problem = "MLflow is full." if trial_folder == self._refused else None
        return self.problem is None

    def retry(self) -> None:
        """Nothing to wait for."""


def test_a_trial_that_mlflow_refuses_is_said_although_the_next_is_taken(tmp_path: Path) -> None:
    trials = [Planned(trial, tmp_path / trial.key) for trial in experiments.load("quick").trials()]
    mirror = Refusing(trials[0].folder)
    monitor = ProgressMonitor(trials, 1, Silent(), lambda: mirror, lambda: False)
    with monitor:
        pass
    assert monitor.unsent == "MLflow is full."
    assert mirror.verified == {item.folder for item in trials}


def test_a_stop_does_not_wait_for_mlflow_to_open() -> None:
    answered, view = threading.Event(), Silent()

    def opens() -> Idle:
        answered.wait()
        return Idle()

    monitor = ProgressMonitor([], 1, view, opens, lambda: True)
    with monitor:
        pass
    assert view.stopping
    assert monitor.unsent is None
    answered.set()
