"""A store anywhere: folders of any name, moved, copied, read-only."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.analysis import compare
from bench.errors import UserError
from bench.tracking import addresses, connection, database, registered_models
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.tracking.reading import RecordStore
from bench.tracking.report import log_report

from .records import only_run
from .synthetic import Trial
from .test_registered_models import load, train

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch.export about its own insides
NAMES = (
    "ünï a;b=c&d ☃", "C#", "what?", "a%2Fb", "100% {x}$HOME", "it's \"x\" a\\b", "two\nlines",
    "a:b@c",
)  # fmt: skip


def filled(folder: Path, template: Path, about: ExperimentRecord) -> tuple[str, Trial]:
    """A store in ``folder`` with one finished trial, and its address."""
    (folder / "mlflow").mkdir(parents=True)
    shutil.copy(template, folder / "mlflow" / "mlflow.db")
    uri = addresses.of_file(folder / "mlflow" / "mlflow.db")
    trial, _ = train(folder, 0, 5.0)
    publisher = Publisher(uri, "quick", about, pause=0)
    assert publisher.send(trial.folder), publisher.problem
    return uri, trial


@pytest.mark.parametrize("name", NAMES)
def test_a_store_in_a_folder_of_any_name(
    name: str,
    tmp_path: Path,
    template: Path,
    about: ExperimentRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = tmp_path / "room"
    home = room / name / "store"
    monkeypatch.setenv("GANBENCH_STORE", str(home))
    uri, _ = filled(home, template, about)
    registered_models.register_best_models(uri, "quick", load)
    assert uri == addresses.tracking_uri()
    assert addresses.file_of(uri) == home / "mlflow" / "mlflow.db"
    run = only_run(uri)
    assert run.info.status == "FINISHED"
    assert len(RecordStore(uri).pictures(run.info.run_id)) == 1
    assert [path.name for path in room.iterdir()] == [name]
    assert [path.name for path in (room / name).iterdir()] == ["store"]
    assert sorted(path.name for path in home.iterdir()) == ["mlflow", "trials"]
    (version,) = connection.writer(uri).search_model_versions("name = 'quick-wgan'")
    folder = addresses.folder_of(version.source)
    assert folder is not None
    assert folder.is_relative_to(home / "mlflow" / "artifacts")
    assert (folder / "MLmodel").is_file()


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_a_store_that_was_moved_or_copied_finds_its_artifacts(
    how: Callable[[Path, Path], object],
    tmp_path: Path,
    template: Path,
    about: ExperimentRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is left at the old place is neither read nor written."""
    old, new = tmp_path / "old", tmp_path / "new place #1"
    registered_models.register_best_models(filled(old, template, about)[0], "quick", load)
    how(old, new)
    before = written(old)
    monkeypatch.setenv("GANBENCH_STORE", str(new))
    uri = addresses.tracking_uri()
    out = tmp_path / "results"
    compare("quick", uri, out)
    assert (out / "samples.png").is_file()
    assert "torch.Size([2, 4])" in champion(uri)
    second, _ = train(new, 1, 3.0)
    publisher = Publisher(uri, "quick", about, pause=0)
    assert publisher.send(second.folder), publisher.problem
    registered_models.register_best_models(uri, "quick", load)
    log_report(uri, "quick", "a verdict", [out / "index.html"])
    with contextlib.closing(sqlite3.connect(new / "mlflow" / "mlflow.db")) as opened:
        assert str(old) not in "\n".join(opened.iterdump())
    assert written(old) == before


def written(folder: Path) -> dict[Path, int]:
    """Everything in a folder and when it was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def champion(uri: str) -> str:
    """The shape that the registered model draws, loaded in a process without ganbench."""
    code = (
        "import sys, mlflow, torch; mlflow.set_tracking_uri(sys.argv[1]);"
        "model = mlflow.pytorch.load_model('models:/quick-wgan@champion');"
        "print(model(torch.ones(2, 3)).shape)"
    )
    command = [sys.executable, "-P", "-W", "ignore", "-c", code, uri]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_database_that_left_its_artifacts_still_finds_them(
    tmp_path: Path, template: Path, about: ExperimentRecord
) -> None:
    uri, _ = filled(tmp_path / "old", template, about)
    run_id = only_run(uri).info.run_id
    shutil.move(tmp_path / "old" / "mlflow", tmp_path / "new")
    shutil.move(tmp_path / "new" / "artifacts", tmp_path / "old" / "mlflow" / "artifacts")
    moved = addresses.of_file(tmp_path / "new" / "mlflow.db")
    assert len(RecordStore(moved).pictures(run_id)) == 1


def test_experiments_of_others_in_the_same_database_stay_where_they_are(
    tmp_path: Path, template: Path, about: ExperimentRecord
) -> None:
    uri, _ = filled(tmp_path / "old", template, about)
    theirs = connection.writer(uri).create_experiment("theirs", "s3://bucket/artifacts/theirs")
    near = connection.writer(uri).create_experiment("near", str(tmp_path / "artifacts" / "near"))
    shutil.move(tmp_path / "old", tmp_path / "new")
    client = connection.writer(addresses.of_file(tmp_path / "new" / "mlflow" / "mlflow.db"))
    assert client.get_experiment(theirs).artifact_location == "s3://bucket/artifacts/theirs"
    assert client.get_experiment(near).artifact_location == str(tmp_path / "artifacts" / "near")


def test_figures_whose_pictures_are_gone_are_kept_and_said(
    tmp_path: Path, template: Path, about: ExperimentRecord
) -> None:
    uri, _ = filled(tmp_path / "store", template, about)
    out = tmp_path / "results"
    compare("quick", uri, out)
    before = (out / "samples.png").read_bytes()
    shutil.rmtree(tmp_path / "store" / "mlflow" / "artifacts")
    problem = compare("quick", uri, out).problem
    assert (out / "samples.png").read_bytes() == before
    assert problem == (
        "The logged pictures of wgan seed 0 are not where MLflow says, so the figures of pictures "
        "are kept as they were: bring the folder artifacts back next to the database, then run the "
        "same command again."
    )


def test_a_store_that_cannot_be_written_is_read(
    tmp_path: Path, template: Path, about: ExperimentRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a read-only disk, where sqlite could not open its log."""
    old, new = tmp_path / "old", tmp_path / "new"
    filled(old, template, about)
    old.rename(new)  # what was moved is found too
    uri = addresses.of_file(new / "mlflow" / "mlflow.db")
    before = written(new)
    monkeypatch.setattr(database, "writable", lambda path: False)
    compare("quick", uri, tmp_path / "results")
    assert (tmp_path / "results" / "samples.png").is_file()
    with pytest.raises(UserError, match=r"Cannot write .*mlflow\.db \(Read-only file system\)"):
        log_report(uri, "quick", "a verdict", [])
    assert written(new) == before


@pytest.mark.parametrize(
    "uri",
    ["sqlite:////tmp/a?b/mlflow.db", "sqlite:////tmp/a?b=c/mlflow.db",
     "http://user:se/cret@host", "http://user:se cret@host", "http://user:se#cret@host",
     "http://host:secret/", "postgresql://user:s@cret@host/db", "mysql://user:se\ncret@host/db"],
)  # fmt: skip
def test_an_address_that_each_library_would_read_differently_is_refused(uri: str) -> None:
    with pytest.raises(UserError, match="address of the tracking store cannot be read") as error:
        addresses.file_of(uri)
    assert "cret" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_database_without_its_driver_is_said_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses._require_driver.cache_clear()
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    for use in (RecordStore, connection.ensure):
        with pytest.raises(UserError, match=r"postgresql\+psycopg2:// needs .* psycopg2-binary"):
            use("postgresql+psycopg2://user:secret@host/db")
    with pytest.raises(
        UserError, match="No known database has an address that begins with postgresqlish://"
    ):
        addresses.file_of("postgresqlish://host/db")
