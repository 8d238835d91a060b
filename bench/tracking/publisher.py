"""Mirrors trial folders into MLflow: in batches, from where it stopped, never twice.

Delivery is at least once and every part of it is idempotent, so a crash between sending and
committing the position, an answer lost on the way, or a lost position all end in the same record: a
metric point of one (run, name, step, time, value) is one row in MLflow, and its time is the event
log's; params, tags and datasets are written by name, files by path. A run belongs to the event log
whose first entry is its start time.
"""

import time
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.errors import UserError
from bench.redaction import redact
from bench.tracking import addresses, connection, experiments, run
from bench.tracking.experiments import ExperimentRecord, Planned, trial_folder
from bench.tracking.sync_position import SyncPosition
from bench.tracking.views import experiment_tags
from bench.trials import TrialRecord, event_log, status

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
_NOT_TAKEN = (
    "MLflow at {store} did not take the record ({reason}). Nothing is lost: fix the cause, then "
    "run the same command again."
)


class Publisher:
    """One MLflow experiment in one tracking store.

    Nothing is opened before there is something to send. No method raises for a store that is
    absent, slow or broken: it returns at once, and ``problem`` says in a sentence why.

    Attributes:
        problem: why the last attempt failed, or was not made so soon after a failure; or None.
        pause: seconds after a failure during which the store is not tried again.

    Raises:
        UserError: at construction, where the URI is not a tracking store at all.
    """

    def __init__(
        self, uri: str, experiment: str, about: ExperimentRecord, pause: float = 15.0
    ) -> None:
        addresses.file_of(uri)
        self.uri = uri
        self.experiment = experiment
        self.about = about
        self.pause = pause
        self.problem: str | None = None
        self._rest_until, self._failure = 0.0, ""
        self._connection: tuple[MlflowClient, str] | None = None

    def send(self, trial_folder: Path, *, verify: bool = False) -> bool:
        """Mirror what a trial's event log holds and MLflow does not; whether MLflow has it all.

        To ``verify`` looks into MLflow even where the position says that everything was sent.
        """
        return self._attempt(lambda: self._sent(trial_folder, verify)) is not None

    def reconcile(self, live: Set[str]) -> int:
        """Close the runs that MLflow shows as RUNNING although their trials have ended or died.

        A run whose trial has no folder here belongs to another machine and is left alone, as are
        those of the keys in ``live``. Returns how many were closed.
        """
        return self._attempt(lambda: self._close_dead(live)) or 0

    def connect(self) -> bool:
        """Create the experiment with its tags, or look it up."""
        return self._attempt(self._connected) is not None

    def retry(self) -> None:
        """Try the store again at the next call, even right after a failure."""
        self._rest_until = 0.0

    def _attempt(self, action: Callable[[], T]) -> T | None:
        self.problem = None
        try:
            with connection.explained(self.uri, _NOT_TAKEN):
                return action()
        except connection.StoreError as error:
            self._failure, self._rest_until = str(error), time.monotonic() + self.pause
            self.problem = self._failure
        except UserError as error:
            self.problem = str(error)
        return None

    def _connected(self) -> tuple["MlflowClient", str]:
        if time.monotonic() < self._rest_until:
            raise UserError(self._failure)
        if self._connection is None:
            client = connection.writer(self.uri)
            experiment_id = connection.experiment_id(client, self.uri, self.experiment)
            present = client.get_experiment(experiment_id).tags
            for name, value in experiment_tags(self.about, experiment_id, present).items():
                if present.get(name) != value:
                    client.set_experiment_tag(experiment_id, name, value)
            self._connection = client, experiment_id
        return self._connection

    def _sent(self, folder: Path, verify: bool) -> bool:
        position = SyncPosition(folder, self.uri, self.experiment)
        path = folder / "journal.jsonl"
        first = next(event_log.read(path), None)
        if first and (verify or next(event_log.read(path, position.offset), None)):
            client, experiment_id = self._connected()
            with position.alone():
                place = self.about.places.get(folder.name, {})
                _mirror(client, experiment_id, position, folder, first[0]["time"], place)
        return True

    def _close_dead(self, live: Set[str]) -> int:
        client, experiment_id = self._connected()
        running = connection.runs(client, experiment_id, "attributes.status = 'RUNNING'")
        keys = {item.run_id: item.tags.get("ganbench.key", "") for item in running}
        return sum(self._close(client, *item) for item in keys.items() if item[1] not in live)

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
            run.close(client, run_id, *_ending(folder))
        return True


def _mirror(
    client: "MlflowClient",
    experiment_id: str,
    position: SyncPosition,
    folder: Path,
    started: int,
    place: Mapping[str, str],
) -> None:
    trial = TrialRecord.read(folder)
    entry = run.of_trial(client, experiment_id, trial, started)
    run_id, own = entry.run_id, entry.start_time == started
    if own:
        run.tidy(entry)
    if own and run_id != position.run_id:
        run.introduce(client, run_id, trial, place)
    offset = position.offset if run_id == position.run_id else 0
    entries = list(event_log.read(folder / "journal.jsonl", offset))
    if own and entries:
        run.deliver(client, run_id, folder, [entry for entry, _ in entries])
    position.commit(run_id, entries[-1][1] if entries else offset)


def _ending(folder: Path) -> tuple[str, str | None, int | None]:
    """Status, reason and last sign of life (ms) of a trial that is not being trained."""
    state = status.read(folder)
    last = int(state.heartbeat * 1000) or None
    if state.status in ("running", "pending"):
        return "interrupted", "The process that trained it ended without giving a reason.", last
    return state.status, state.reason, last


def publish(
    uri: str,
    experiment: str | None = None,
    *,
    live: Set[str] = frozenset(),
    report: Callable[[str], None] = print,
) -> int:
    """Send what the store at ``uri`` lacks of whole experiments; sending again changes nothing.

    Args:
        experiment: one name; None for every experiment of this store.
        live: keys of the trials that are being trained now; their runs stay RUNNING.
        report: takes one line for each experiment.

    Returns:
        How many trials of this store are in the other one now.

    Raises:
        UserError: there is no such experiment, or the other store did not take everything.
    """
    planned = [experiments.read(experiment)] if experiment else experiments.all_planned()
    if not planned:
        raise UserError("This store holds no experiment yet: run one with `ganbench run quick`.")
    return sum(_publish(uri, plan, live, report) for plan in planned)


def _publish(uri: str, plan: Planned, live: Set[str], report: Callable[[str], None]) -> int:
    publisher = Publisher(uri, plan.name, plan.about)
    folders = [trial_folder(key) for key in plan.keys]
    begun = [folder for folder in folders if (folder / "journal.jsonl").exists()]
    done = publisher.connect() and all(publisher.send(folder, verify=True) for folder in begun)
    if done:
        publisher.reconcile(live)
    if publisher.problem:
        raise UserError(publisher.problem)
    report(f"{plan.name}: {len(begun)} of {len(plan.keys)} trials are in {redact(uri)}.")
    return len(begun)
