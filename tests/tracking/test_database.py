"""The sqlite store is created once, whoever races for it."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bench import paths
from bench.errors import UserError
from bench.tracking import addresses, connection, database
from bench.tracking.publisher import Publisher

from .records import only_run
from .synthetic import Trial


def test_racing_processes_leave_one_good_store(template: Path, uri: str) -> None:
    """The template was made by three processes at one moment (conftest)."""
    left = {path.name for path in template.parent.iterdir()}
    assert left - {"mlflow.db-wal", "mlflow.db-shm"} == {"mlflow.db", ".mlflow.db.lock"}
    assert [item.name for item in connection.writer(uri).search_experiments()] == ["Default"]


def test_store_keeps_a_write_ahead_log_and_an_identity(uri: str) -> None:
    path = addresses.file_of(uri)
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.identity(uri) > 0
    assert database.identity("sqlite:////nowhere/mlflow.db") == 0


def test_ensure_leaves_a_ready_store_alone(uri: str) -> None:
    path = addresses.file_of(uri)
    assert path is not None
    before = path.read_bytes()
    connection.ensure(uri)
    assert path.read_bytes() == before


def test_an_emptied_store_is_made_again_without_its_old_side_files(uri: str) -> None:
    """sqlite would write the old log's pages over the new file."""
    path = addresses.file_of(uri)
    assert path is not None
    before = database.identity(uri)
    with contextlib.closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE old (number)")
        opened.commit()
        sides = {name: Path(f"{path}{name}").read_bytes() for name in ("-wal", "-shm")}
    for name, content in {"": b"", **sides}.items():
        Path(f"{path}{name}").write_bytes(content)
    assert [item.name for item in connection.writer(uri).search_experiments()] == ["Default"]
    assert database.identity(uri) not in (0, before)
    with contextlib.closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = opened.execute("SELECT name FROM sqlite_master WHERE name = 'old'")
        assert names.fetchall() == []


def test_artifacts_lie_in_the_store_and_experiments_are_found_again(uri: str, home: Path) -> None:
    client = connection.writer(uri)
    first = connection.experiment_id(client, uri, "quick@budget=6400")
    assert connection.experiment_id(client, uri, "quick@budget=6400") == first
    place = home / "mlflow" / "artifacts" / "quick@budget=6400"
    assert client.get_experiment(first).artifact_location == str(place)


def test_an_experiment_in_the_trash_is_restored_and_that_is_said(
    publisher: Publisher, trial: Trial, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publisher.send(trial.points(1, 1).folder), publisher.problem
    client = connection.writer(uri)
    gone = connection.experiment_id(client, uri, "quick")
    client.delete_experiment(gone)
    trial.points().finish()
    assert Publisher(uri, "quick", publisher.about).send(trial.folder)
    assert connection.experiment_id(client, uri, "quick") == gone
    assert only_run(uri).info.status == "FINISHED"
    assert capsys.readouterr().err == (
        "The MLflow experiment 'quick' was in the trash. It is restored, because its records are "
        "written again.\n"
    )


def test_tracking_uri_is_the_environment_or_the_store(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert addresses.tracking_uri() == f"sqlite:///{home}/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert addresses.tracking_uri() == "http://127.0.0.1:5000"


@pytest.mark.parametrize("wrong", ["mlruns", "file:///tmp/mlruns", "ftp://host", ""])
def test_what_is_no_tracking_store_is_said(wrong: str) -> None:
    with pytest.raises(UserError, match="is not a tracking store: give http"):
        connection.ensure(wrong)


def test_unwritable_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        UserError, match=r"Cannot write .*mlflow.db .*move the file that is in its way"
    ):
        connection.ensure(f"sqlite:///{tmp_path}/file/mlflow.db")


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "a/b", "..", "nul\0", "é" * 300])
def test_names_cannot_lead_out_of_a_folder(name: str, tmp_path: Path) -> None:
    plain = paths.safe_filename(name)
    assert (tmp_path / plain).resolve().parent == tmp_path
    assert len(plain) < 150
    assert plain != paths.safe_filename(name + "x")
