"""Executors register themselves: one file is all that another executor takes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import executors
from bench.errors import UserError
from bench.variants.registry import load_plugin

from .commands import NAME, SMALL, TREE, environment, mlflow_runs

EXAMPLE = Path(__file__).parent / "examples" / "commands.py"
OTHERS = {"bench.executors.run", "bench.executors.builtin.ray", "bench.executors.builtin.serial"}


def test_a_file_in_an_empty_folder_adds_an_executor(own_store: Path, tmp_path: Path) -> None:
    home = tmp_path / "empty"
    home.mkdir()
    shutil.copy(EXAMPLE, home / "mine.py")
    options = ["--executor", "commands", "--plugin", "mine.py", "--workers", "2"]
    chosen = ["run", "quick", "--variants", "mlp_bce", "--seeds", "2", *SMALL]
    ran = subprocess.run(
        [sys.executable, "-m", "bench", *chosen, *options], cwd=home, text=True,
        env=environment(own_store, home), capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    table = json.loads((own_store / "results" / NAME / "table.json").read_text())
    assert [row["n"] for row in table["variants"]] == [2]
    pids = {json.loads(path.read_text())["pid"] for path in own_store.glob("trials/*/status.json")}
    assert len(pids) == 2  # a process each
    assert [run.info.status for run in mlflow_runs(own_store)] == ["FINISHED"] * 2


def test_those_of_this_repository_are_known() -> None:
    assert {"processes", "ray", "serial", "streams"} <= set(executors.names())


def test_asking_for_one_imports_no_other_part_of_the_room() -> None:
    script = "import sys; from bench import executors; executors.get('processes'); "
    script += f"print({OTHERS} & sys.modules.keys())"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=TREE, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "set()\n"


def test_a_name_that_leads_out_of_a_folder_is_refused() -> None:
    with pytest.raises(UserError, match="'../mine' cannot name an executor: use up to 100"):
        executors.register("../mine")(executors.get("serial"))


def test_an_executor_of_a_known_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.read_text().replace('"commands"', '"serial"'))
    executors.names()
    with pytest.raises(UserError, match="executor name 'serial' in .* is already taken by"):
        load_plugin(path)


def test_installed_packages_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each names its module in an entry point of this group."""
    groups: list[str] = []
    monkeypatch.setattr("bench.registry.entry_points", lambda group: groups.append(group) or [])
    executors.names()
    assert groups == ["ganbench.executors"]
