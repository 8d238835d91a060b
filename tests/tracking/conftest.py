"""Real stores: one sqlite file is created a session (by processes that race for it) and copied."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import paths
from bench.tracking import addresses
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher

from .synthetic import MEASURE, TOML, Trial

ROOT = Path(__file__).resolve().parents[2]
RACERS = 3
_ENSURE = "import sys; from bench.tracking.connection import ensure; ensure(sys.argv[1])"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sqlite store that several processes tried to create at one moment."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # shared by all workers
    path = base / "template" / "mlflow.db"
    path.parent.mkdir(exist_ok=True)
    with paths.lock(base / "template.lock"):
        if not path.exists():
            _race(f"sqlite:///{path}")
    return path


def _race(uri: str) -> None:
    command = [sys.executable, "-c", _ENSURE, uri]
    racers = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(RACERS)
    ]
    said = [racer.communicate()[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * RACERS, said


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store of this test, and settings that no test leaves behind."""
    folder = tmp_path / "a store"  # with a space
    monkeypatch.setenv("GANBENCH_STORE", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")  # for a machine under load
    return folder


@pytest.fixture
def uri(home: Path, template: Path) -> str:
    """The store's own tracking URI, its file in place."""
    address = addresses.tracking_uri()
    path = addresses.file_of(address)
    assert path is not None
    path.parent.mkdir(parents=True)
    shutil.copy(template, path)
    return address


@pytest.fixture
def trial(home: Path) -> Trial:
    return Trial(home)


@pytest.fixture
def about(trial: Trial) -> ExperimentRecord:
    return ExperimentRecord(
        toml=TOML,
        protocol=trial.protocol_id,
        measure=MEASURE,
        floor={"fid": 0.3, "modes": 10.0},
        calibration=[{"row": "uniform noise", "fid": 900.0}],
        description="Which is **best**?",
        budget=trial.budget,
    )


@pytest.fixture
def publisher(uri: str, about: ExperimentRecord) -> Publisher:
    return Publisher(uri, "quick", about, pause=0)
