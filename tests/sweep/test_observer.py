"""What goes on beside the training."""

import threading

from bench.sweep.observer import Mirror, Observer
from bench.sweep.view import Standing


class Silent:
    """A view that remembers whether it was told of the stop."""

    stopping = False

    def start(self) -> None:
        """Nothing to prepare."""

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None:
        self.stopping = stopping

    def stop(self) -> None:
        """Nothing to put away."""


class Idle:
    """A mirror that is never asked to send."""

    problem: str | None = None

    def send(self, trial_folder: object) -> bool:
        raise AssertionError


def test_a_stop_does_not_wait_for_mlflow_to_open() -> None:
    answered, view = threading.Event(), Silent()

    def opens() -> Mirror:
        answered.wait()
        return Idle()

    observer = Observer([], 1, view)
    observer.start(opens, lambda: True)
    observer.stop()
    assert view.stopping
    assert observer.unsent is None
    answered.set()
