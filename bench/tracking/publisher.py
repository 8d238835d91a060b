"""Mirrors trial folders into MLflow: in batches, from where it stopped, never twice.

Delivery is at least once and every part of it is idempotent, so a crash between sending and
committing the position, an answer lost on the way, or a lost position all end in the same record: a
metric point of one (run, name, step, time, value) is one row in MLflow, and its time is the
journal's; params, tags and datasets are written by name, files by path. A run belongs to the
journal whose first entry is its start time.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.errors import UserError
from bench.redaction import reason, redact
from bench.tracking import mlflow_store, run
from bench.tracking.experiments import ExperimentRecord, trial_folder
from bench.tracking.sync_position import SyncPosition
from bench.tracking.views import experiment_tags
from bench.trials import TrialRecord, event_log

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")


class Publisher:
    """One MLflow experiment in one tracking store.

    Nothing is opened before there is something to send. No method raises for a store that is
    absent, slow or broken: it returns at once, and ``problem`` says in a sentence why.

    Attributes:
        problem: why the last attempt failed, or was not made so soon after a failure; None after
            a success.
        pause: seconds after a failure during which the store is not tried again.

    Raises:
        UserError: at construction, where the URI is not a tracking store at all.
    """

    def __init__(
        self, uri: str, experiment: str, about: ExperimentRecord, pause: float = 15.0
    ) -> None:
        mlflow_store.database(uri)
        self.uri = uri
        self.experiment = experiment
        self.about = about
        self.pause = pause
        self.problem: str | None = None
        self._rest_until, self._failure = 0.0, ""
        self._connection: tuple[MlflowClient, str] | None = None

    def send(self, trial_folder: Path, *, verify: bool = False) -> bool:
        """Mirror what the journal holds and MLflow does not.

        Args:
            trial_folder: ``<store>/trials/<key>``.
            verify: look into MLflow even where the position says that everything was sent.

        Returns:
            Whether everything in the journal is in MLflow.
        """
        return self._attempt(lambda: self._sent(trial_folder, verify)) is not None

    def reconcile(self, live: set[str]) -> int:
        """Close the runs that MLflow shows as RUNNING although their trials have ended or died.

        Args:
            live: keys of the trials that are being trained now.

        Returns:
            How many runs were closed. A run whose trial has no folder here belongs to another
            machine and is left alone.
        """
        return self._attempt(lambda: self._close_dead(live)) or 0

    def connect(self) -> bool:
        """Create the experiment with its tags, or find it."""
        return self._attempt(self._connected) is not None

    def retry(self) -> None:
        """Try the store again at the next call, even right after a failure."""
        self._rest_until = 0.0

    def _attempt(self, action: Callable[[], T]) -> T | None:
        try:
            result = action()
        except (UserError, _Resting) as error:
            self.problem = str(error)
            return None
        except Exception as error:  # errors of requests, sqlalchemy, boto: MLflow lets all out
            self.problem = self._failure = _sentence(error, self.uri)
            self._rest_until = time.monotonic() + self.pause
            return None
        self.problem = None
        return result

    def _connected(self) -> tuple["MlflowClient", str]:
        if time.monotonic() < self._rest_until:
            raise _Resting(self._failure)
        if self._connection is None:
            client = mlflow_store.client(self.uri)
            experiment_id = mlflow_store.experiment_id(client, self.uri, self.experiment)
            _describe(client, experiment_id, self.about)
            self._connection = client, experiment_id
        return self._connection

    def _sent(self, folder: Path, verify: bool) -> bool:
        position = SyncPosition(folder, self.uri, self.experiment)
        path = folder / "journal.jsonl"
        first = next(event_log.read(path), None)
        if first and (verify or next(event_log.read(path, position.offset), None)):
            client, experiment_id = self._connected()
            with position.alone():
                _mirror(client, experiment_id, position, folder, started=first[0]["time"])
        return True

    def _close_dead(self, live: set[str]) -> int:
        client, experiment_id = self._connected()
        running = list(run.search(client, experiment_id, "attributes.status = 'RUNNING'"))
        keys = [str(found.data.tags.get("ganbench.key")) for found in running]
        dead = [pair for pair in zip(running, keys, strict=True) if pair[1] not in live]
        return sum(self._close(client, found.info.run_id, key) for found, key in dead)

    def _close(self, client: "MlflowClient", run_id: str, key: str) -> bool:
        """Close one run as its trial's status says; a trial that died is interrupted."""
        try:
            folder = trial_folder(key)
        except ValueError:
            return False
        if not folder.is_dir():
            return False
        self._sent(folder, verify=False)
        if client.get_run(run_id).info.status == "RUNNING":
            run.close(client, run_id, *_status(folder))
        return True


class _Resting(Exception):
    """The store failed a moment ago and is not tried yet; the message says how it failed."""


def _mirror(
    client: "MlflowClient", experiment_id: str, position: SyncPosition, folder: Path, started: int
) -> None:
    trial = TrialRecord.read(folder)
    found = run.of_trial(client, experiment_id, trial, started)
    run_id = found.info.run_id
    own = found.info.start_time == started
    if own:
        run.tidy(found)
    if own and run_id != position.run_id:
        run.introduce(client, run_id, trial)
    offset = position.offset if run_id == position.run_id else 0
    entries = list(event_log.read(folder / "journal.jsonl", offset))
    if own and entries:
        run.deliver(client, run_id, folder, [entry for entry, _ in entries])
    position.commit(run_id, entries[-1][1] if entries else offset)


def _status(folder: Path) -> tuple[str, str | None, int | None]:
    """Status, reason and last sign of life (ms) of a trial that is not being trained."""
    try:
        content = json.loads((folder / "status.json").read_text(encoding="utf-8"))
        status, reason, heartbeat = content["status"], content["reason"], content["heartbeat"]
    except (OSError, ValueError, KeyError, TypeError):
        status, reason, heartbeat = "running", None, None
    if status in ("running", "pending"):
        status, reason = "interrupted", "The process that trained it ended without a word."
    return status, reason, int(heartbeat * 1000) if heartbeat else None


def _describe(client: "MlflowClient", experiment_id: str, about: ExperimentRecord) -> None:
    present = client.get_experiment(experiment_id).tags
    for name, value in experiment_tags(about, experiment_id, present).items():
        if present.get(name) != value:
            client.set_experiment_tag(experiment_id, name, value)


def _sentence(error: Exception, uri: str) -> str:
    return (
        f"MLflow at {redact(uri)} did not take the record ({reason(error, uri)}); nothing is "
        "lost: once that is fixed, run the same command again."
    )
