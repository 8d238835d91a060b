"""The only way into MLflow here: experiments, runs, curves and artifacts, as plain values."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

# A server that is down otherwise blocks one call for four minutes; read when mlflow is imported.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from bench.errors import UserError

Curve = list[tuple[int, float]]

# What client.log_image calls a file; the key's "/" is written "#".
_IMAGE = re.compile(
    r"(?P<key>.+)[+%]step[+%](?P<step>\d+)[+%]timestamp[+%](?P<time>\d+)[+%].*\.png"
)


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

    Raises:
        UserError: there is no such store, or it cannot be opened.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        _require_file(uri)
        with _explained(uri):
            self._client = MlflowClient(uri)
            self.names = sorted(
                e.name for e in self._paged(self._client.search_experiments) if e.name != "Default"
            )

    def experiment(self, name: str) -> Experiment | None:
        """The experiment of that name, None when the store has none."""
        with _explained(self.uri):
            return self._client.get_experiment_by_name(name)

    def runs(self, experiment_id: str) -> list[Run]:
        """Every run that is not deleted, oldest first."""
        with _explained(self.uri):
            runs: list[Run] = self._paged(self._client.search_runs, [experiment_id])
        return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))

    def curve(self, run_id: str, metric: str) -> Curve:
        """(step, value) by step; a step that was sent twice counts once, by its newest value."""
        with _explained(self.uri):
            history = self._client.get_metric_history(run_id, metric)
        points = {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}
        return sorted(points.items())

    def pictures(self, run_id: str) -> list[Picture]:
        """The images of ``log_image``, by key and step; of a repeated step the newest."""
        with _explained(self.uri), tempfile.TemporaryDirectory() as folder:
            if "images" not in [file.path for file in self._client.list_artifacts(run_id)]:
                return []
            files = Path(self._client.download_artifacts(run_id, "images", folder)).iterdir()
            found = [(match, file) for file in files if (match := _IMAGE.fullmatch(file.name))]
            found.sort(key=lambda pair: int(pair[0]["time"]))
            newest = {(m["key"].replace("#", "/"), int(m["step"])): file for m, file in found}
            return [Picture(*at, file.read_bytes()) for at, file in sorted(newest.items())]

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


def _require_file(uri: str) -> None:
    """MLflow would create a missing sqlite file; reading must not."""
    url = urlparse(uri)
    if url.scheme == "sqlite" and not Path(url.path.removeprefix("/")).is_file():
        path = url.path.removeprefix("/")
        raise UserError(
            f"There are no records at {path} yet: make them with `ganbench run EXPERIMENT`, or "
            "set GANBENCH_STORE to the folder of an older store."
        )


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"The MLflow store {uri} cannot be read ({why}): check its address, or that the "
            "file is a whole store of this MLflow version, and run the command again."
        ) from error
