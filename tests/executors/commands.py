"""The command as a user starts it, and what it leaves in the store."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.trials import event_log

TREE = Path(__file__).parent.parent.parent
SMALL = ["-o", "budget=640", "-o", "batch=32", "-o", "samples=100", "-o", "evaluations=2"]
NAME = "quick@batch=32,budget=640,evaluations=2,samples=100"


def ganbench(root: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does; ``home`` stands in for the folder of results."""
    return subprocess.run(
        command(*arguments), env=environment(root, home), capture_output=True, text=True,
        check=False, cwd=home,
    )  # fmt: skip


def command(*arguments: str) -> list[str]:
    script = "import bench.paths, pathlib, sys; bench.paths.home = pathlib.Path.cwd; "
    script += "from bench.cli import main; sys.argv[0] = 'ganbench'; main()"
    return [sys.executable, "-c", script, *arguments]


def environment(root: Path, home: Path) -> dict[str, str]:
    provide_quick(home)
    return {**os.environ, "GANBENCH_STORE": str(root), "PYTHONPATH": str(TREE), "COLUMNS": "200"}


def provide_quick(home: Path) -> None:
    (home / "experiments").mkdir(exist_ok=True)
    quick = (TREE / "experiments" / "quick.toml").read_text()
    (home / "experiments" / "quick.toml").write_text(quick)


def fresh_store(mnist_store: Path, root: Path) -> Path:
    root.mkdir()
    for shared in ("data", "reference"):
        (root / shared).symlink_to(mnist_store / shared)
    return root


def statuses(root: Path) -> dict[str, dict[str, Any]]:
    states = {}
    for path in (root / "trials").glob("*/status.json"):
        trial = json.loads((path.parent / "trial.json").read_text())["identity"]
        states[f"{trial['variant']} {trial['seed']}"] = json.loads(path.read_text())
    return states


def records(root: Path) -> dict[str, float]:
    """Every metric but the clock's, by trial, step and name."""
    clocks = ("seconds", "_per_s", "mem")
    return {
        f"{path.parent.name}/{entry['step']}/{name}": value
        for path in (root / "trials").glob("*/journal.jsonl")
        for entry, _ in event_log.read(path)
        for name, value in entry.get("metrics", {}).items()
        if not any(clock in name for clock in clocks)
    }


def mlflow_runs(root: Path, experiment: str = NAME) -> list[Any]:
    """The runs of trials."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root}/mlflow/mlflow.db")
    record = client.get_experiment_by_name(experiment)
    assert record is not None
    runs = client.search_runs([record.experiment_id])
    return [run for run in runs if "ganbench.kind" not in run.data.tags]
