"""One run of MLflow: looked up or created, filled from an event log, closed.

Each of these writes may be repeated and changes nothing then; `publisher` says why that matters.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.tracking import addresses, connection, pictures, record
from bench.tracking.connection import Run
from bench.trials import TrialRecord
from bench.trials.event_log import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_POINTS, _PARAMS = 1000, 100  # MLflow's limits for one call
_UPLOADING = ".artifact.uploading.*"


def of_trial(client: "MlflowClient", experiment_id: str, trial: TrialRecord, started: int) -> Run:
    """The run of this trial: looked up by its key, or created.

    Where the trial was trained twice (its folder was deleted, or another machine did it too), the
    later training is the record and the earlier run is moved to MLflow's trash.
    """
    runs = connection.runs(client, experiment_id, f"tags.`ganbench.key` = '{trial.key}'")
    for run in runs:
        if run is not runs[-1] or run.start_time < started:
            client.delete_run(run.run_id)
    if runs and runs[-1].start_time >= started:
        return runs[-1]
    tags, name = record.tags(trial), trial.trial.title
    return connection.as_run(client.create_run(experiment_id, started, tags, run_name=name))


def introduce(
    client: "MlflowClient", run_id: str, trial: TrialRecord, place: Mapping[str, str]
) -> None:
    """What a run says before its first point; writing it again changes nothing.

    Args:
        place: params that say where the trial belongs in its experiment.
    """
    from mlflow.entities import Param

    values = [Param(name, value) for name, value in record.params(trial.trial, place).items()]
    for start in range(0, len(values), _PARAMS):
        client.log_batch(run_id, params=values[start : start + _PARAMS])
    client.log_inputs(run_id, datasets=record.datasets(trial.trial))
    for name, text in record.files(trial).items():
        client.log_text(run_id, text, name)


def tidy(run: Run) -> None:
    """Remove what a killed upload left where the artifacts are files of this machine.

    MLflow writes an artifact under a temporary name first, and clears none of them up later.
    """
    folder = addresses.folder_of(run.artifact_uri)
    if folder is not None:
        for path in folder.rglob(_UPLOADING):
            path.unlink(missing_ok=True)


def deliver(client: "MlflowClient", run_id: str, folder: Path, entries: list[Entry]) -> None:
    """Send some entries of one event log. What tells that a run has ended goes last."""
    points = list(_points(entries))
    for start in range(0, len(points), _POINTS):
        client.log_batch(run_id, metrics=points[start : start + _POINTS])
    pictures.log(client, run_id, folder, [e for e in entries if e["event"] == "image"])
    for entry in entries:
        if entry["event"] == "artifact":
            path = record.inside(folder, entry["file"])
            client.log_artifact(run_id, str(path), record.artifact_folder(entry["file"]))
        elif entry["event"] == "tags":
            _tag(client, run_id, entry["tags"])
    last = entries[-1]
    if last["event"] == "end":
        client.log_artifact(run_id, str(folder / "journal.jsonl"))
        close(client, run_id, last["status"], last["reason"], last["time"])
    else:
        _tag(client, run_id, {"ganbench.status": "running", "ganbench.reason": ""})
        client.update_run(run_id, status="RUNNING")


def close(
    client: "MlflowClient", run_id: str, status: str, reason: str | None, time_ms: int | None
) -> None:
    """End a run as its trial ended, at ``time_ms`` since 1970; None: now."""
    # An empty reason overwrites that of an earlier end.
    _tag(client, run_id, {"ganbench.status": status, "ganbench.reason": reason or ""})
    client.set_terminated(run_id, record.RUN_STATUS[status], time_ms)


def _points(entries: list[Entry]) -> Iterator[Any]:
    from mlflow.entities import Metric

    for entry in entries:
        if entry["event"] == "metrics":
            for name, value in entry["metrics"].items():
                if math.isfinite(value):  # MLflow turns inf into 1.8e308, which ruins every axis
                    yield Metric(name, value, entry["time"], entry["step"])


def _tag(client: "MlflowClient", run_id: str, tags: dict[str, str]) -> None:
    from mlflow.entities import RunTag

    whole = "the artifact journal.jsonl"
    values = [RunTag(n, record.within(v, record.TAG_LIMIT, whole)) for n, v in tags.items()]
    client.log_batch(run_id, tags=values)
