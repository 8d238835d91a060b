"""An event log is mirrored whole, once, from wherever the last attempt stopped."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from bench.errors import UserError
from bench.tracking import addresses, connection, pictures, run
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.tracking.record import PARAM_LIMIT
from bench.tracking.sync_position import SyncPosition
from bench.trials import event_log

from .records import artifacts, expected_finals, expected_points, only_run, points, runs, whole
from .synthetic import DATASET, MEASURE, RECORDED, TOML, Trial

PARAMS = {
    "variant": "wgan",
    "seed": "0",
    "budget": "6400",
    "dataset": DATASET,
    "ruler": "digits-v1-00000000",
    "batch": "64",
    "evaluations": "4",
    "samples": "10000",
    "train": "train[:50000]",
    "lr": "5e-05",
    "n_critic": "5",
}


def test_finished_trial_is_one_whole_run(publisher: Publisher, trial: Trial, uri: str) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    record = only_run(uri)
    assert (record.info.status, record.info.run_name) == ("FINISHED", "wgan seed 0")
    assert record.data.params == PARAMS
    assert points(uri, record) == expected_points(trial) | expected_finals(trial)
    tags = record.data.tags
    assert {name: tags[name] for name in tags if name.startswith("ganbench.")} == {
        "ganbench.key": trial.key,
        "ganbench.status": "done",
        "ganbench.reason": "",
        "ganbench.ruler": "digits-v1-00000000",
        "ganbench.measure": MEASURE,
        "ganbench.protocol": trial.protocol_id,
        "ganbench.dataset": DATASET,
        "ganbench.source": RECORDED["source"],
        "ganbench.dirty": "false",
        "ganbench.missing": "none",
    }
    assert tags["mlflow.source.git.commit"] == RECORDED["commit"]
    assert trial.key in tags["mlflow.note.content"]


def test_datasets_and_files_of_a_run(publisher: Publisher, trial: Trial, uri: str) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    record = only_run(uri)
    inputs = {
        item.dataset.name: (item.dataset.digest, {tag.key: tag.value for tag in item.tags})
        for item in record.inputs.dataset_inputs
    }
    contexts = {"train": "training", "heldout": "selection", "test": "evaluation"}
    assert inputs == {
        f"mnist-{split}": (
            DATASET[:36],
            {"mlflow.data.context": context, "ganbench.sha256": DATASET},
        )
        for split, context in contexts.items()
    }
    files = artifacts(uri, record)
    assert [name for name in files if not name.startswith("images/")] == [
        "environment.json",
        "experiment.toml",
        "generator/generator.json",
        "generator/generator.safetensors",
        "journal.jsonl",
        "trial.json",
    ]
    root = Path(record.info.artifact_uri)
    assert (root / "experiment.toml").read_text() == TOML
    assert (root / "journal.jsonl").read_bytes() == (trial.folder / "journal.jsonl").read_bytes()


def test_images_are_named_as_mlflow_itself_names_them(
    publisher: Publisher, trial: Trial, uri: str
) -> None:
    """But for the uuid, `log_image` writes the same two files and the same tag."""
    trial.points(1, 1)
    assert publisher.send(trial.folder), publisher.problem
    ours = only_run(uri)
    path = trial.folder / "samples" / "1600.png"
    client = connection.writer(uri)
    theirs = client.create_run(ours.info.experiment_id)
    stamp = next(e["time"] for e, _ in _entries(trial) if e["event"] == "image")
    with PIL.Image.open(path) as image:
        client.log_image(theirs.info.run_id, image, key="samples", step=1600, timestamp=stamp)
    theirs = client.get_run(theirs.info.run_id)
    names = {
        run_id: _without_uuid(artifacts(uri, item))
        for run_id, item in (("ours", ours), ("theirs", theirs))
    }
    assert [n for n in names["ours"] if n.startswith("images/")] == names["theirs"]
    assert theirs.data.tags["mlflow.loggedImages"] == ours.data.tags["mlflow.loggedImages"]


@pytest.mark.parametrize("key", ["samples", "eval/samples", "a/b/c", "a b-c_d.e"])
def test_the_name_of_an_image_is_read_as_it_was_written(
    key: str, publisher: Publisher, trial: Trial, uri: str
) -> None:
    name = pictures.ImageName(key, 6400, 1_700_000_000_000)
    assert pictures.parse(f"{name.stem()}.png") == name
    assert pictures.parse(f"{name.stem()}+compressed.webp") is None
    client = connection.writer(uri)
    theirs = client.create_run(connection.experiment_id(client, uri, "quick")).info.run_id
    with PIL.Image.new("L", (2, 2)) as image:
        client.log_image(theirs, image, key=key, step=64, timestamp=5)
    names = [Path(file.path).name for file in client.list_artifacts(theirs, pictures.FOLDER)]
    (parsed,) = filter(None, map(pictures.parse, names))
    assert parsed == (key, 64, 5)


def test_the_name_that_earlier_versions_of_mlflow_gave_an_image_is_read() -> None:
    old = "eval#samples%step%64%timestamp%5%0f0f.png"
    assert pictures.parse(old) == ("eval/samples", 64, 5)
    assert pictures.parse("samples.png") is None


def _entries(trial: Trial) -> list[Any]:
    return list(event_log.read(trial.folder / "journal.jsonl"))


def _without_uuid(names: list[str]) -> list[str]:
    return sorted(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "uuid", n) for n in names)


def test_nothing_is_opened_before_there_is_something_to_send(
    publisher: Publisher, trial: Trial, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "writer", None)  # calling it would raise
    assert publisher.send(trial.folder)
    assert publisher.problem is None


def test_mirror_is_incremental_and_the_run_runs_until_its_end(
    publisher: Publisher, trial: Trial, uri: str
) -> None:
    for last in (1, 2, 4):
        trial.points(1, last)
        assert publisher.send(trial.folder), publisher.problem
        record = only_run(uri)
        assert record.info.status == "RUNNING"
        assert record.data.tags["ganbench.status"] == "running"
        assert points(uri, record) == expected_points(trial, last)
    trial.finish()
    assert publisher.send(trial.folder), publisher.problem
    assert only_run(uri).info.status == "FINISHED"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("done", "FINISHED"),
        ("diverged", "FINISHED"),
        ("failed", "FAILED"),
        ("interrupted", "KILLED"),
    ],
)
def test_status_of_a_trial_is_the_status_of_its_run(
    publisher: Publisher, trial: Trial, uri: str, status: str, expected: str
) -> None:
    trial.points(1, 1).finish(status, "Because.")
    assert publisher.send(trial.folder), publisher.problem
    record = only_run(uri)
    assert record.info.status == expected
    assert record.data.tags["ganbench.status"] == status
    assert record.data.tags["ganbench.reason"] == "Because."


def test_interrupted_trial_resumes_in_the_same_run(
    publisher: Publisher, trial: Trial, uri: str
) -> None:
    trial.points(1, 2).events.end("interrupted", "SIGTERM")
    assert publisher.send(trial.folder), publisher.problem
    assert only_run(uri).info.status == "KILLED"
    trial.points(3, 3)
    assert publisher.send(trial.folder), publisher.problem
    assert only_run(uri).info.status == "RUNNING"
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    record = only_run(uri)
    assert record.info.status == "FINISHED"
    assert record.data.tags["ganbench.reason"] == ""
    assert points(uri, record) == expected_points(trial) | expected_finals(trial)


class Killed(BaseException):
    """What no handler catches, as SIGKILL."""


@pytest.mark.parametrize("place", ["create", "introduce", "metrics", "images", "end", "commit"])
def test_crash_anywhere_in_a_send_neither_loses_nor_doubles(
    publisher: Publisher,
    trial: Trial,
    uri: str,
    about: ExperimentRecord,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    """The crash comes right after the write, before anything is remembered."""
    trial.points().finish()
    with monkeypatch.context() as patch:
        _crash_after(patch, place)
        with pytest.raises(Killed):
            publisher.send(trial.folder)
    assert Publisher(uri, "quick", about).send(trial.folder)
    record = only_run(uri)
    assert record.info.status == "FINISHED"
    assert points(uri, record) == expected_points(trial) | expected_finals(trial)
    assert len(artifacts(uri, record)) == 6 + 2 * trial.evaluations
    assert len(record.inputs.dataset_inputs) == 3


def _crash_after(patch: pytest.MonkeyPatch, place: str) -> None:
    places: dict[str, tuple[object, str]] = {
        "create": (run, "of_trial"),
        "introduce": (run, "introduce"),
        "metrics": (run, "_points"),
        "images": (pictures, "log"),
        "end": (run, "close"),
        "commit": (SyncPosition, "commit"),
    }
    owner, name = places[place]
    original = getattr(owner, name)

    def crash(*given: Any, **named: Any) -> None:
        if place != "commit":
            original(*given, **named)
        raise Killed

    patch.setattr(owner, name, crash)


def test_upload_that_was_killed_leaves_no_half_file(
    publisher: Publisher,
    trial: Trial,
    uri: str,
    about: ExperimentRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MLflow's files come under a temporary name first; a killed process cannot remove it."""
    trial.points().finish()

    def killed(source: str, target: str, original: Callable[..., None] = os.replace) -> None:
        if "artifacts" in Path(target).parts:
            raise Killed
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        patch.setattr(os, "remove", lambda path: None)
        with pytest.raises(Killed):
            publisher.send(trial.folder)
    folder = Path(only_run(uri).info.artifact_uri)
    assert any(path.is_file() for path in folder.rglob("*")), "it was not killed half-way"
    assert Publisher(uri, "quick", about).send(trial.folder)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == artifacts(uri, only_run(uri))
    assert len(files) == 6 + 2 * trial.evaluations


@pytest.mark.parametrize("damage", ["lost", "torn", "rewound"])
def test_lost_or_damaged_position_doubles_nothing(
    publisher: Publisher, trial: Trial, uri: str, damage: str
) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    before = whole(trial, uri, only_run(uri))
    (position,) = (trial.folder / "published").glob("*.json")
    content = json.loads(position.read_text())
    if damage == "lost":
        position.unlink()
    else:
        position.write_text("{" if damage == "torn" else json.dumps(content | {"offset": 0}))
    assert publisher.send(trial.folder), publisher.problem
    assert whole(trial, uri, only_run(uri)) == before


def test_position_of_another_sqlite_file_is_void(
    publisher: Publisher, trial: Trial, uri: str
) -> None:
    """Where the database was deleted and made again, everything is sent again."""
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    position = SyncPosition(trial.folder, uri, "quick")
    assert position.offset > 0
    path = addresses.file_of(uri)
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA user_version=1")
    position.reload()
    assert (position.run_id, position.offset) == (None, 0)


def test_trained_again_replaces_the_run_of_the_first_training(
    publisher: Publisher, trial: Trial, uri: str, home: Path
) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    first = only_run(uri)
    old = home / "old"
    trial.folder.rename(old)
    later = Trial(home)
    later.points(1, 1)
    _later(later)
    assert publisher.send(later.folder), publisher.problem
    second = only_run(uri)
    assert second.info.run_id != first.info.run_id
    assert points(uri, second) == expected_points(later, 1)
    # The older training, on another machine say, does not disturb the newer record.
    shutil.rmtree(old / "published")
    assert publisher.send(old), publisher.problem
    assert whole(later, uri, only_run(uri)) == whole(later, uri, second)


def _later(trial: Trial) -> None:
    """The event log as it would be a second later."""
    path = trial.folder / "journal.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    shifted = [json.dumps(line | {"time": line["time"] + 1000}) for line in lines]
    path.write_text("\n".join(shifted) + "\n")


def test_run_deleted_by_hand_comes_back_when_asked_for(
    publisher: Publisher, trial: Trial, uri: str
) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    connection.writer(uri).delete_run(only_run(uri).info.run_id)
    assert publisher.send(trial.folder)
    assert runs(uri) == []
    assert publisher.send(trial.folder, verify=True), publisher.problem
    assert points(uri, only_run(uri)) == expected_points(trial) | expected_finals(trial)


def test_infinities_and_nan_are_never_sent(publisher: Publisher, trial: Trial, uri: str) -> None:
    trial.events.metrics(64, {"train/loss_d": 1.0})
    line = {"event": "metrics", "step": 128, "metrics": {"train/loss_d": float("inf")}, "time": 1}
    nan = {"event": "metrics", "step": 192, "metrics": {"train/loss_d": float("nan")}, "time": 2}
    with (trial.folder / "journal.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n" + json.dumps(nan) + "\n")
    assert publisher.send(trial.folder), publisher.problem
    assert points(uri, only_run(uri)) == {"train/loss_d": [(64, 1.0)]}


def test_more_points_than_one_call_takes(publisher: Publisher, trial: Trial, uri: str) -> None:
    for step in range(1, 1202):
        with (trial.folder / "journal.jsonl").open("a") as file:
            entry = {"event": "metrics", "step": step, "metrics": {"a": 1.0}, "time": step}
            file.write(json.dumps(entry) + "\n")
    assert publisher.send(trial.folder), publisher.problem
    assert len(points(uri, only_run(uri))["a"]) == 1201


def test_long_values_say_where_the_whole_stands(
    home: Path, uri: str, about: ExperimentRecord
) -> None:
    trial = Trial(home, configuration={"note": "x" * 9000, "batch": 7})
    trial.points(1, 1).events.end("failed", "y" * 9000)
    publisher = Publisher(uri, "quick", about)
    assert publisher.send(trial.folder), publisher.problem
    record = only_run(uri)
    note = record.data.params["note"]
    assert len(note) == PARAM_LIMIT
    assert note.endswith("(9,000 characters; the whole text is in the artifact trial.json)")
    assert record.data.tags["ganbench.reason"].endswith("text is in the artifact journal.jsonl)")
    whole_trial = json.loads((Path(record.info.artifact_uri) / "trial.json").read_text())
    assert whole_trial["identity"]["configuration"]["note"] == "x" * 9000
    assert record.data.params["batch"] == "64"
    assert record.data.params["configuration.batch"] == "7"


@pytest.mark.parametrize("event", ["image", "artifact"])
def test_file_outside_of_the_folder_is_refused(
    publisher: Publisher, trial: Trial, home: Path, event: str
) -> None:
    (home / "secret.png").write_text("private")
    (trial.folder / "link.png").symlink_to(home / "secret.png")
    for name in ("../../secret.png", str(home / "secret.png"), "link.png"):
        _only_entry(trial, event, name)
        assert not publisher.send(trial.folder)
        assert "a file outside that folder" in (publisher.problem or "")


def test_missing_file_is_named(publisher: Publisher, trial: Trial) -> None:
    _only_entry(trial, "image", "samples/64.png")
    assert not publisher.send(trial.folder)
    assert "samples/64.png is missing although" in (publisher.problem or "")


def _only_entry(trial: Trial, event: str, file: str) -> None:
    entry = {"event": event, "step": 64, "key": "samples", "file": file, "time": 1}
    (trial.folder / "journal.jsonl").write_text(json.dumps(entry) + "\n")


def test_damaged_trial_is_a_sentence_and_does_not_stop_the_next(
    publisher: Publisher, trial: Trial, home: Path
) -> None:
    other = Trial(home, seed=1).points(1, 1)
    (trial.points(1, 1).folder / "trial.json").write_text("{")
    publisher.pause = 3600
    assert not publisher.send(trial.folder)
    assert "trial.json is missing or damaged" in (publisher.problem or "")
    assert publisher.send(other.folder), publisher.problem
    assert publisher.problem is None


def test_wrong_uri_is_refused_at_once(about: ExperimentRecord) -> None:
    with pytest.raises(UserError, match="is not a tracking store"):
        Publisher("mlruns", "quick", about)


def test_sqlite_file_that_is_none_is_a_sentence(
    uri: str, publisher: Publisher, trial: Trial
) -> None:
    path = addresses.file_of(uri)
    assert path is not None
    path.write_text("this is no database")
    trial.points(1, 1)
    publisher.uri = uri.replace("mlflow.db", "other.db")
    path.rename(path.with_name("other.db"))
    assert not publisher.send(trial.folder)
    assert "did not take the record" in (publisher.problem or "")


def test_missing_mlflow_leaves_training_alone_and_says_so(
    publisher: Publisher, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.points(1, 1)
    with monkeypatch.context() as patch:
        for name in ("mlflow", "mlflow.store.db.utils"):
            patch.setitem(sys.modules, name, None)
        assert not publisher.send(trial.folder)
        assert "The mlflow package is missing here" in (publisher.problem or "")
    assert publisher.send(trial.folder), publisher.problem


def test_a_record_that_is_refused_is_never_forgotten(
    publisher: Publisher, home: Path, uri: str
) -> None:
    """Neither a send with nothing to do nor one so soon after the failure says that all is well."""
    held, refused = (Trial(home, seed=seed).points().finish() for seed in range(2))
    assert publisher.send(held.folder), publisher.problem
    root = addresses.artifact_root(uri)
    assert root is not None
    shutil.rmtree(root)
    root.write_text("in the way of the artifacts")
    publisher.pause = 3600
    assert not publisher.send(refused.folder)
    first = publisher.problem
    assert "did not take the record" in (first or "")
    assert publisher.send(held.folder)
    assert not publisher.send(refused.folder)
    assert publisher.problem == first
    root.unlink()
    publisher.retry()
    assert publisher.send(refused.folder), publisher.problem
    assert len(runs(uri)) == 2


def test_failing_store_is_left_in_peace_for_a_while(
    publisher: Publisher, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def refuse(uri: str) -> None:
        calls.append(uri)
        raise ConnectionError("refused")

    trial.points(1, 1)
    publisher.pause = 3600
    monkeypatch.setattr(connection, "writer", refuse)
    assert not publisher.send(trial.folder)
    assert not publisher.send(trial.folder)
    assert len(calls) == 1
    assert "(refused). Nothing is lost" in (publisher.problem or "")


class TestReconcile:
    def test_dead_trials_are_closed_and_live_ones_stay(
        self, publisher: Publisher, home: Path, uri: str
    ) -> None:
        trials = [Trial(home, seed=seed).points(1, 1) for seed in range(4)]
        for trial in trials:
            assert publisher.send(trial.folder), publisher.problem
        trials[0].status("running")
        trials[1].status("failed", "Out of memory.")
        trials[2].points(2, 4).finish()  # ended, but the end was not sent
        assert publisher.reconcile({trials[3].key}) == 3
        by_seed = {run.data.params["seed"]: run for run in runs(uri)}
        states = {seed: run.info.status for seed, run in by_seed.items()}
        assert states == {"0": "KILLED", "1": "FAILED", "2": "FINISHED", "3": "RUNNING"}
        assert by_seed["0"].data.tags["ganbench.status"] == "interrupted"
        assert by_seed["0"].info.end_time == 1_700_000_000_500
        assert by_seed["1"].data.tags["ganbench.reason"] == "Out of memory."
        assert publisher.reconcile({trials[3].key}) == 0

    def test_closed_trial_that_resumes_runs_again(
        self, publisher: Publisher, trial: Trial, uri: str
    ) -> None:
        assert publisher.send(trial.points(1, 1).folder), publisher.problem
        assert publisher.reconcile(set()) == 1
        assert publisher.send(trial.points(2, 2).folder), publisher.problem
        assert only_run(uri).info.status == "RUNNING"

    def test_trials_of_other_machines_are_left_alone(
        self, publisher: Publisher, trial: Trial, uri: str
    ) -> None:
        assert publisher.send(trial.points(1, 1).folder), publisher.problem
        shutil.rmtree(trial.folder)
        client = connection.writer(uri)
        foreign = client.create_run(only_run(uri).info.experiment_id)
        client.set_tag(foreign.info.run_id, "ganbench.key", "../../..")
        assert publisher.reconcile(set()) == 0
        assert {run.info.status for run in runs(uri)} == {"RUNNING"}

    def test_absent_store_is_no_error(
        self, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(uri: str) -> None:
            raise ConnectionError("refused")

        monkeypatch.setattr(connection, "writer", refuse)
        assert publisher.reconcile(set()) == 0
        assert "Nothing is lost" in (publisher.problem or "")
