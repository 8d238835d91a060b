"""The password of a tracking store stands in no file and in no line that is printed."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import cli
from bench.analysis import compare
from bench.errors import UserError
from bench.tracking import experiments, registered_models, ui
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher, publish
from bench.tracking.report import log_report

from .servers import MlflowServer, free_port
from .synthetic import Trial
from .test_registered_models import load, train

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch.export about its own insides
SECRET, WRITTEN = "s@c/r:et", "s%40c%2Fr%3Aet"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    folder = tmp_path_factory.mktemp("server")
    running = MlflowServer(f"sqlite:///{folder}/mlflow.db", folder)
    running.start()
    yield running
    running.kill()


def leaks(folder: Path) -> list[Path]:
    """The files that hold the secret in one of its forms, or the user in front of it."""
    forms = [form.encode() for form in (SECRET, WRITTEN, "somebody:")]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


def test_a_server_with_a_password_from_the_first_record_to_the_page(
    server: MlflowServer,
    home: Path,
    about: ExperimentRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "false")
    uri = server.uri.replace("://", f"://somebody:{WRITTEN}@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    trial, _ = train(home, 0, 5.0)
    experiments.write("quick", replace(about, keys=[trial.key]))
    publisher = Publisher(uri, "quick", about, pause=0)
    assert publisher.send(trial.folder), publisher.problem
    registered_models.register_best_models(uri, "quick", load, print)
    result = compare("quick", uri, tmp_path / "results")
    log_report(uri, "quick", result.verdict, result.files)
    publish(uri, report=print)
    ui.serve(uri, "quick", 0, report=print)
    out, err = capfd.readouterr()
    page = (tmp_path / "results" / "index.html").read_text()
    assert f'href="{server.uri}/#/experiments/' in page
    assert f"trials are in {server.uri}." in out
    assert f"quick, curves: {server.uri}/#/experiments/" in out
    for form in (SECRET, WRITTEN, "somebody", "View run"):
        assert form not in out + err
    assert leaks(tmp_path) == leaks(server._folder) == []


@pytest.mark.parametrize("scheme", ["http", "postgresql+psycopg2"])
def test_a_store_that_does_not_answer(
    scheme: str,
    trial: Trial,
    about: ExperimentRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if scheme != "http":
        pytest.importorskip("psycopg2")
    host = f"{scheme}://127.0.0.1:{free_port()}/db"
    uri = host.replace("://", f"://somebody:{WRITTEN}@") + f"?sslpassword={WRITTEN}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    publisher = Publisher(uri, "quick", about, pause=0)
    assert not publisher.send(trial.points(1, 1).folder)
    said = [publisher.problem or ""]
    experiments.write("quick", replace(about, keys=[trial.key]))
    with pytest.raises(UserError) as error:
        publish(uri)
    said.append(str(error.value))
    commands = [["table", "quick"], ["verify", "quick"]]
    for command in [*commands, ["ui", "quick"]] if scheme == "http" else commands:
        monkeypatch.setattr(sys, "argv", ["ganbench", *command])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
    out, err = capfd.readouterr()
    said += [line for line in err.splitlines() if line.startswith("Error: ")]
    assert len(said) == 2 + len(commands) + (scheme == "http")
    assert all(host in line for line in said)
    for form in (SECRET, WRITTEN, "somebody"):
        assert form not in " ".join([*said, out, err])
    assert leaks(tmp_path) == []
