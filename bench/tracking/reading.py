"""Experiments, runs, curves and artifacts of a store, as plain values."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.evaluation.identity import current
from bench.redaction import reason, redact
from bench.tracking import mlflow_store as tracking
from bench.tracking import pictures

Curve = list[tuple[int, float]]


@dataclass(frozen=True)
class Experiment:
    """An experiment that is not deleted: MLflow's id of it, and its tags."""

    experiment_id: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Run:
    """One run that is not deleted.

    Attributes:
        status: of the trial; MLflow's own word for it where no tag says it.
        start_time: ms since 1970.
        metrics: the newest value of each, by the name that it has today.
    """

    run_id: str
    status: str
    start_time: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]


@dataclass(frozen=True)
class Picture:
    """One logged image: its key ("samples"), its step (real images shown), its file's bytes."""

    key: str
    step: int
    png: bytes


class RecordStore:
    """One MLflow store, opened for reading.

    Args:
        uri: ``sqlite:///path`` or the address of a tracking server.

    Attributes:
        uri: the same address without user and password, as it may be printed.

    Raises:
        UserError: there is no such store, or it cannot be opened.
    """

    def __init__(self, uri: str) -> None:
        self.uri = redact(uri)
        with _explained(uri):
            self._client = tracking.reader(uri)
            self.names = sorted(
                e.name for e in self._paged(self._client.search_experiments) if e.name != "Default"
            )

    def experiment(self, name: str) -> Experiment | None:
        """The experiment of that name, None when the store has none."""
        with _explained(self.uri):
            experiment = self._client.get_experiment_by_name(name)
        if experiment is None or experiment.lifecycle_stage != "active":
            return None
        return Experiment(experiment.experiment_id, dict(experiment.tags))

    def runs(self, experiment_id: str) -> list[Run]:
        """Every run that is not deleted, oldest first."""
        with _explained(self.uri):
            runs = [_run(run) for run in self._paged(self._client.search_runs, [experiment_id])]
        return sorted(runs, key=lambda run: (run.start_time, run.run_id))

    def metrics(self, run_id: str) -> list[str]:
        """The names of all that was measured, sorted."""
        with _explained(self.uri):
            return sorted(self._client.get_run(run_id).data.metrics)

    def curve(self, run_id: str, metric: str) -> Curve:
        """(step, value) by step; a step that was sent twice counts once, by its newest value."""
        with _explained(self.uri):
            history = self._client.get_metric_history(run_id, metric)
        points = {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}
        return sorted(points.items())

    def pictures(self, run_id: str) -> list[Picture]:
        """The images of ``log_image``, by key and step; of a repeated step the newest."""
        with _explained(self.uri), tempfile.TemporaryDirectory() as folder:
            listed = self._client.list_artifacts(run_id)
            if pictures.FOLDER not in [file.path for file in listed]:
                return []
            downloaded = self._client.download_artifacts(run_id, pictures.FOLDER, folder)
            files = {name: path for path in Path(downloaded).iterdir()
                     if (name := pictures.ImageName.parse(path.name))}  # fmt: skip
            by_time = sorted(files, key=lambda name: name.time)
            newest = {(name.key, name.step): files[name] for name in by_time}
            return [Picture(*at, path.read_bytes()) for at, path in sorted(newest.items())]

    def artifact(self, run_id: str, path: str) -> bytes | None:
        """The content of one artifact, None when the run has none of that name."""
        parent = str(Path(path).parent)
        with _explained(self.uri), tempfile.TemporaryDirectory() as folder:
            files = self._client.list_artifacts(run_id, None if parent == "." else parent)
            if path not in [file.path for file in files]:
                return None
            return Path(self._client.download_artifacts(run_id, path, folder)).read_bytes()

    @staticmethod
    def _paged(search: Callable[..., Any], *args: Any) -> list[Any]:
        page = search(*args)
        found = list(page)
        while page.token:
            page = search(*args, page_token=page.token)
            found += page
        return found


def _run(run: Any) -> Run:
    info, data = run.info, run.data
    metrics = {current(name): value for name, value in data.metrics.items()}
    states = {"FINISHED": "done", "KILLED": "interrupted"}
    status = data.tags.get("ganbench.status") or states.get(info.status, info.status.lower())
    return Run(info.run_id, status, info.start_time, data.params, data.tags, metrics)


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # errors of requests, sqlalchemy, boto: MLflow lets all out
        raise UserError(
            f"The MLflow store {redact(uri)} cannot be read ({reason(error, uri)}): check its "
            "address, or that the file is a whole store of this MLflow version, and run the "
            "command again."
        ) from error
