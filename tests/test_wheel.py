"""The wheel alone: installed into an empty environment, run from an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from bench import settings

TREE = Path(__file__).parent.parent
SOURCES = ("bench", "experiments", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys, setuptools.build_meta as backend; print(backend.build_wheel(sys.argv[1]))"

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def ganbench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command; the dependencies are those of this process."""
    base = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (TREE / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(TREE / name, base / "tree" / name, ignore=ignored)
        else:
            shutil.copy(TREE / name, base / "tree" / name)
    build = [sys.executable, "-c", BUILD, str(base)]
    subprocess.run(build, cwd=base / "tree", check=True, capture_output=True)
    (wheel,) = base.glob("*.whl")
    venv.create(base / "venv", with_pip=True)
    python = base / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    (site,) = (base / "venv" / "lib").glob("*/site-packages")
    # A path of a .pth file is searched, its own .pth files are not: so no editable ganbench.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python.with_name("ganbench")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def run(ganbench: Path, folder: Path, *arguments: str, data: Path | None = None) -> str:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"COLUMNS": "200"} | ({settings.DATA: str(data)} if data else {})
    done = subprocess.run(
        [ganbench, *arguments], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_experiments_come_with_the_wheel(ganbench: Path, empty: Path) -> None:
    names = json.loads(run(ganbench, empty, "list", "experiments", "--json"))
    assert {"paper", "quick", "ring"} <= {entry["experiment"] for entry in names}
    assert "12 trials, 0 done, 12 to do" in run(ganbench, empty, "run", "quick", "--dry-run")
    assert list(empty.iterdir()) == [], "a dry run writes nothing"


def test_a_folder_of_ones_own_experiments_comes_first(ganbench: Path, empty: Path) -> None:
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.toml").write_text(
        'variants = ["wgan"]\nseeds = 1\nbudget = 128\n'
    )
    assert "1 trial, 0 done, 1 to do" in run(ganbench, empty, "run", "mine", "--dry-run")


def test_a_trial_is_trained_and_compared(
    ganbench: Path, empty: Path, mnist_folder: Path, mnist_store: Path
) -> None:
    store = empty / "results" / ".store"
    store.mkdir(parents=True)
    (store / "reference").symlink_to(mnist_store / "reference")  # a minute's work, done by others
    small = ("budget=128", "samples=100", "evaluations=1")
    options = [word for option in small for word in ("-o", option)]
    options += ["--variants", "wgan", "--seeds", "1"]
    run(ganbench, empty, "run", "quick", *options, data=mnist_folder)
    (table,) = (store / "results").glob("*/table.json")
    (row,) = json.loads(table.read_text())["variants"]
    assert (row["variant"], len(row["trials"])) == ("wgan", 1)
    (record,) = (store / "trials").glob("*/trial.json")
    assert json.loads(record.read_text())["recorded"]["commit"] is None
