"""Next to the training: shows how the trials stand and mirrors their event logs to MLflow."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from bench.executors import Stopping
from bench.executors.display import Display, news_of
from bench.executors.forecast import Forecast
from bench.executors.plan import Planned

_REFRESH_SECONDS = 0.5


class Mirror(Protocol):
    """What `bench.tracking.publisher.Publisher` offers."""

    problem: str | None

    def send(self, trial_folder: Path, *, verify: bool = False) -> bool: ...

    def retry(self) -> None: ...


class ProgressMonitor:
    """Two threads, because MLflow may be slow or absent and the view must not stop for it."""

    def __init__(self, planned: Sequence[Planned], workers: int, view: Display) -> None:
        self._planned, self._workers, self._view = planned, workers, view
        self.unsent: str | None = None
        """After `stop`: why MLflow lacks some of the record, if it does."""
        self._over, self._opened = threading.Event(), threading.Event()
        self._stopping: Stopping = lambda: False
        self._threads: list[threading.Thread] = []

    def start(self, open_mirror: Callable[[], Mirror], stopping: Stopping = lambda: False) -> None:
        """Begin.

        Args:
            open_mirror: connects to MLflow, which takes seconds, in the mirror's own thread.
            stopping: once true, the view says that the sweep is stopping.
        """
        self._stopping = stopping
        self._view.start()
        for work in (self._watch, lambda: self._mirror(open_mirror)):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Show and mirror what has come since, then end.

        A sweep that is stopped before MLflow has answered does not wait for it; the next one sends.
        """
        self._over.set()
        watching, mirroring = self._threads
        watching.join()
        if self._opened.is_set() or not self._stopping():
            mirroring.join()
        self._view.stop()

    def _watch(self) -> None:
        over, forecast = False, Forecast(self._workers)
        while not over:
            over = self._over.wait(_REFRESH_SECONDS)
            standing = [(item, item.status) for item in self._planned]
            left = forecast.time_left(standing, time.monotonic())
            self._view.show(standing, left, stopping=self._stopping())

    def _mirror(self, open_mirror: Callable[[], Mirror]) -> None:
        """Send each trial that has been evaluated or changed its state since the last time.

        At the end every trial is sent with a look into MLflow, so that a run that somebody deleted
        there comes back.
        """
        mirror = open_mirror()
        self._opened.set()
        sent: dict[Path, object] = {}
        while not self._over.wait(_REFRESH_SECONDS):
            for item in self._planned:
                news = news_of(item.status)
                if sent.get(item.folder) != news and mirror.send(item.folder):
                    sent[item.folder] = news
        mirror.retry()
        for item in self._planned:
            if not mirror.send(item.folder, verify=True):
                self.unsent = mirror.problem
