"""One run of MLflow: found or created, filled from journal entries, closed.

Each of these writes may be repeated and changes nothing then; `publisher` says why that matters.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.tracking import addresses, pictures, record
from bench.trials import TrialRecord
from bench.trials.event_log import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_BATCH = 1000  # MLflow's limit of points for one call
_PARAMS = 100  # and of params
_UPLOADING = ".artifact.uploading.*"


def of_trial(client: "MlflowClient", experiment_id: str, trial: TrialRecord, started: int) -> "Run":
    """The run of this trial: found by its key, or created.

    Where the trial was trained twice (its folder was deleted, or another machine did it too), the
    later training is the record and the earlier run is moved to MLflow's trash.
    """
    found = list(search(client, experiment_id, f"tags.`ganbench.key` = '{trial.key}'"))
    newest = max(found, key=lambda run: run.info.start_time, default=None)
    for run in found:
        if run is not newest or run.info.start_time < started:
            client.delete_run(run.info.run_id)
    if newest is not None and newest.info.start_time >= started:
        return newest
    tags = {
        name: record.within(value, record.TAG_LIMIT, "the artifact trial.json")
        for name, value in record.tags(trial).items()
    }
    name = trial.trial.title
    return client.create_run(experiment_id, start_time=started, tags=tags, run_name=name)


def introduce(client: "MlflowClient", run_id: str, trial: TrialRecord) -> None:
    """What a run says before its first point; writing it again changes nothing."""
    from mlflow.entities import Param

    values = [
        Param(name, record.within(value, record.PARAM_LIMIT, "the artifact trial.json"))
        for name, value in record.params(trial.trial).items()
    ]
    for start in range(0, len(values), _PARAMS):
        client.log_batch(run_id, params=values[start : start + _PARAMS])
    client.log_inputs(run_id, datasets=record.datasets(trial.trial))
    for name, text in record.files(trial).items():
        client.log_text(run_id, text, name)


def tidy(run: "Run") -> None:
    """Remove what a killed upload left where the artifacts are files of this machine.

    MLflow writes an artifact under a temporary name first, and clears none of them up later.
    """
    folder = addresses.folder_of(run.info.artifact_uri)
    if folder is not None:
        for path in folder.rglob(_UPLOADING):
            path.unlink(missing_ok=True)


def deliver(client: "MlflowClient", run_id: str, folder: Path, entries: list[Entry]) -> None:
    """Send some entries of one journal. What tells that a run has ended goes last."""
    points = list(_points(entries))
    for start in range(0, len(points), _BATCH):
        client.log_batch(run_id, metrics=points[start : start + _BATCH])
    with tempfile.TemporaryDirectory() as scratch:
        images = [entry for entry in entries if entry["event"] == "image"]
        pictures.log(client, run_id, folder, images, Path(scratch))
    for entry in entries:
        if entry["event"] == "artifact":
            path = record.inside(folder, entry["file"])
            client.log_artifact(run_id, str(path), record.artifact_folder(entry["file"]))
        elif entry["event"] == "tags":
            _tag(client, run_id, entry["tags"])
    _settle(client, run_id, folder, entries[-1])


def _settle(client: "MlflowClient", run_id: str, folder: Path, last: Entry) -> None:
    if last["event"] == "end":
        client.log_artifact(run_id, str(folder / "journal.jsonl"))
        close(client, run_id, last["status"], last["reason"], last["time"])
    else:
        _tag(client, run_id, record.ending("running", None))
        client.update_run(run_id, status="RUNNING")


def close(
    client: "MlflowClient", run_id: str, status: str, reason: str | None, time_ms: int | None
) -> None:
    _tag(client, run_id, record.ending(status, reason))
    client.set_terminated(run_id, record.RUN_STATUS[status], time_ms)


def _points(entries: list[Entry]) -> Iterator[Any]:
    from mlflow.entities import Metric

    for entry in entries:
        if entry["event"] == "metrics":
            for name, value in record.finite(entry["metrics"]).items():
                yield Metric(name, value, entry["time"], entry["step"])


def _tag(client: "MlflowClient", run_id: str, tags: dict[str, str]) -> None:
    from mlflow.entities import RunTag

    client.log_batch(
        run_id,
        tags=[
            RunTag(name, record.within(value, record.TAG_LIMIT, "the artifact journal.jsonl"))
            for name, value in tags.items()
        ],
    )


def search(client: "MlflowClient", experiment_id: str, condition: str) -> Iterator["Run"]:
    token = None
    while True:
        page = client.search_runs([experiment_id], condition, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
