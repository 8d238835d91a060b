"""Experiments, runs, curves and artifacts of a store, as plain values."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.redaction import redact
from bench.tracking import connection, pictures
from bench.tracking.connection import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Curve", "Experiment", "Picture", "RecordStore", "Run"]

Curve = list[tuple[int, float]]
_UNREADABLE = (
    "The MLflow store {store} cannot be read ({reason}): check its address, and that this version "
    "of MLflow can open it. Then run the command again."
)


@dataclass(frozen=True)
class Experiment:
    """An experiment that is not deleted, with its runs: those not deleted, oldest first."""

    experiment_id: str
    tags: dict[str, str]
    runs: list[Run]


@dataclass(frozen=True)
class Picture:
    """One logged image: its key ("samples"), its step (real images shown), its file's bytes."""

    key: str
    step: int
    png: bytes


class RecordStore:
    """One MLflow store, opened for reading. Every method raises UserError if it cannot be read.

    Its ``uri`` may be printed: the address without user and password.
    """

    def __init__(self, uri: str) -> None:
        self.uri, self._address = redact(uri), uri
        with connection.explained(uri, _UNREADABLE):
            self._opened = connection.reader(uri)

    def experiment(self, name: str) -> Experiment | None:
        """The experiment of that name, None when the store has none."""
        with self._reading() as client:
            entry = client.get_experiment_by_name(name)
            if entry is None or entry.lifecycle_stage != "active":
                return None
            runs = connection.runs(client, entry.experiment_id)
            return Experiment(entry.experiment_id, dict(entry.tags), runs)

    def names(self) -> list[str]:
        """Of all experiments, sorted, without the empty one that every store is born with."""
        with self._reading() as client:
            experiments = list(connection.every(client.search_experiments))
        return sorted(entry.name for entry in experiments if entry.experiment_id != "0")

    def curve(self, run_id: str, metric: str) -> Curve:
        """(step, value) by step; a step that was sent twice counts once, by its newest value."""
        with self._reading() as client:
            history = client.get_metric_history(run_id, metric)
        points = {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}
        return sorted(points.items())

    def pictures(self, run_id: str) -> list[Picture]:
        """The images of ``log_image``, by key and step; of a repeated step the newest."""
        with self._downloaded(run_id, pictures.FOLDER) as folder:
            listed = list(folder.iterdir()) if folder else []
            files = {name: path for path in listed if (name := pictures.parse(path.name))}
            by_time = sorted(files, key=lambda name: name.time)
            newest = {(name.key, name.step): files[name] for name in by_time}
            return [Picture(*at, path.read_bytes()) for at, path in sorted(newest.items())]

    def artifact(self, run_id: str, path: str) -> bytes | None:
        """The content of one artifact, None when the run has none of that name."""
        with self._downloaded(run_id, path) as file:
            return file.read_bytes() if file else None

    @contextlib.contextmanager
    def _downloaded(self, run_id: str, path: str) -> Iterator[Path | None]:
        """A file or folder among the artifacts, here while the block runs; None where it lacks."""
        folder = path.rpartition("/")[0] or None
        with self._reading() as client, tempfile.TemporaryDirectory() as scratch:
            present = path in [file.path for file in client.list_artifacts(run_id, folder)]
            yield Path(client.download_artifacts(run_id, path, scratch)) if present else None

    @contextlib.contextmanager
    def _reading(self) -> "Iterator[MlflowClient]":
        with connection.explained(self._address, _UNREADABLE):
            yield self._opened
