"""Beside the training: shows how the trials stand and mirrors their journals to MLflow."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from bench.sweep.plan import Planned
from bench.sweep.view import View, time_left

_REFRESH_SECONDS = 0.5


class Mirror(Protocol):
    """What `bench.tracking.publisher.Publisher` offers."""

    problem: str | None

    def send(self, trial_folder: Path, *, verify: bool = False) -> bool: ...

    def retry(self) -> None: ...


class Observer:
    """Two threads, because MLflow may be slow or absent and the view must not stop for it."""

    def __init__(self, planned: Sequence[Planned], workers: int, view: View) -> None:
        self._planned, self._workers, self._view = planned, workers, view
        self.unsent: str | None = None
        """After `stop`: why MLflow lacks some of the record, if it does."""
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, open_mirror: Callable[[], Mirror]) -> None:
        """Begin; ``open_mirror`` is called in the mirror's own thread."""
        self._view.start()
        for work in (self._watch, lambda: self._mirror(open_mirror)):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Show and mirror what has come since, then end."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._view.stop()

    def _watch(self) -> None:
        over = False
        while not over:
            over = self._over.wait(_REFRESH_SECONDS)
            standing = [(item, item.status) for item in self._planned]
            self._view.show(standing, time_left(standing, self._workers))

    def _mirror(self, open_mirror: Callable[[], Mirror]) -> None:
        """Send each trial that has been measured or changed its state since the last time.

        At the end every trial is sent with a look into MLflow, so that a run that somebody deleted
        there comes back.
        """
        mirror = open_mirror()
        sent: dict[Path, object] = {}
        while not self._over.wait(_REFRESH_SECONDS):
            for item in self._planned:
                status = item.status
                news = (status.status, status.fid, status.modes)
                if sent.get(item.folder) != news and mirror.send(item.folder):
                    sent[item.folder] = news
        mirror.retry()
        for item in self._planned:
            if not mirror.send(item.folder, verify=True):
                self.unsent = mirror.problem
