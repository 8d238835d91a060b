"""Next to the training: shows how the trials stand and mirrors their event logs to MLflow."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.executors import Stopping
from bench.executors.display import Display, news_of
from bench.executors.forecast import Forecast
from bench.executors.interim import InterimTables
from bench.executors.plan import Planned
from bench.tracking.publisher import Publisher

_REFRESH_SECONDS = 0.5


class ProgressMonitor:
    """For a ``with``: two threads, because MLflow may be slow or absent and the view must not wait.

    At the end of the block they show and mirror what has come since. A sweep that is stopped before
    MLflow has answered does not wait for it; the next one sends.

    Args:
        open_mirror: connects to MLflow, which takes seconds, in the mirror's own thread.
        stopping: once true, the view says that the sweep is stopping.
    """

    def __init__(
        self,
        planned: Sequence[Planned],
        workers: int,
        view: Display,
        open_mirror: Callable[[], Publisher],
        stopping: Stopping,
    ) -> None:
        self._planned, self._forecast, self._view = planned, Forecast(workers), view
        self._open_mirror, self._stopping = open_mirror, stopping
        self.unsent: str | None = None
        """After the block: why MLflow lacks some of the record, if it does."""
        self._over, self._opened = threading.Event(), threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._mirroring = threading.Thread(target=self._mirror, daemon=True)

    def __enter__(self) -> None:
        self._watching.start()
        self._mirroring.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._watching.join()
        if self._opened.is_set() or not self._stopping():
            self._mirroring.join()

    def _watch(self) -> None:
        over, tables = False, InterimTables()
        while not over:
            over = self._over.wait(_REFRESH_SECONDS)
            standing = [(item, item.status) for item in self._planned]
            left = self._forecast.time_left(standing, time.monotonic())
            self._view.show(standing, left, stopping=self._stopping())
            if table := tables.due(standing):
                self._view.console.print(table)

    def _mirror(self) -> None:
        """Send each trial that has been evaluated or changed its state since the last time.

        At the end every trial is sent with a look into MLflow, so that a run that somebody deleted
        there comes back.
        """
        mirror = self._open_mirror()
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
