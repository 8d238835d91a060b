"""Real sweeps, small ones, from the command to MLflow and the table."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import store
from bench.tracking import journal

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
    script = "import bench.store, pathlib, sys; bench.store.home = pathlib.Path.cwd; "
    script += "from bench.cli import main; sys.argv[0] = 'ganbench'; main()"
    return [sys.executable, "-c", script, *arguments]


def environment(root: Path, home: Path) -> dict[str, str]:
    (home / "experiments").mkdir(exist_ok=True)
    quick = (TREE / "experiments" / "quick.toml").read_text()
    (home / "experiments" / "quick.toml").write_text(quick)
    return {**os.environ, "GANBENCH_STORE": str(root), "PYTHONPATH": str(TREE), "COLUMNS": "200"}


def fresh_store(mnist_store: Path, root: Path) -> Path:
    root.mkdir()
    (mnist_store / "reference").mkdir(exist_ok=True)
    for shared in ("data", "reference"):
        (root / shared).symlink_to(mnist_store / shared)
    return root


def statuses(root: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in (root / "trials").glob("*/status.json"):
        trial = json.loads((path.parent / "trial.json").read_text())["identity"]
        found[f"{trial['variant']} {trial['seed']}"] = json.loads(path.read_text())
    return found


def readme_plugin() -> str:
    (example,) = re.findall(
        r"```python\n(\"\"\"WGAN-GP.*?)```", (TREE / "README.md").read_text(), re.DOTALL
    )
    return str(example)


class Sweep:
    """A finished sweep of two variants and the README's plug-in over two seeds."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        self.plugin = home / "wgan_gp.py"
        self.plugin.write_text(readme_plugin())
        self.arguments = ["run", "quick", "--variants", "mlp_bce,wgan,wgan_gp", "--seeds", "2"]
        self.arguments += ["--plugin", str(self.plugin), *SMALL]
        self.first = ganbench(root, home, *self.arguments)

    @property
    def runs(self) -> list[Any]:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.root}/mlflow/mlflow.db")
        experiment = client.get_experiment_by_name(NAME)
        assert experiment is not None
        return list(client.search_runs([experiment.experiment_id]))


@pytest.fixture(scope="module")
def sweep(mnist_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    home = tmp_path_factory.mktemp("home")
    return Sweep(fresh_store(mnist_store, home / "store"), home)


def test_the_readme_example_has_at_most_30_lines() -> None:
    assert len(readme_plugin().splitlines()) <= 30


def test_it_ends_well_and_leaves_the_table(sweep: Sweep) -> None:
    assert sweep.first.returncode == 0, sweep.first.stdout + sweep.first.stderr
    results = sweep.home / "results" / NAME
    table = (results / "table.md").read_text()
    for row in ("mlp_bce", "wgan", "wgan_gp", "real images (floor)"):
        assert f"| {row} |" in table
    assert "digits-v1-" in table
    assert "n = 100" in table
    for name in ("table.tex", "table.csv", "fid.png", "samples.png", "index.html"):
        assert (results / name).stat().st_size > 500
    assert "| wgan |" in sweep.first.stdout


def test_mlflow_holds_everything(sweep: Sweep) -> None:
    runs = sweep.runs
    assert len(runs) == 6
    for run in runs:
        assert run.info.status == "FINISHED"
        assert {"variant", "seed", "budget", "batch", "lr", "n_critic"} <= set(run.data.params)
        for name in ("fid", "modes", "modes_any", "mode_kl", "confidence", "score", "precision"):
            assert f"final/{name}" in run.data.metrics
        assert {"best/fid", "cost/seconds", "cost/images_per_s", "train/loss_d"} <= set(
            run.data.metrics
        )
        assert run.data.tags["ganbench.status"] == "done"
        assert run.data.tags["ganbench.missing"]
        assert {i.dataset.name for i in run.inputs.dataset_inputs} == {
            "mnist-train", "mnist-heldout", "mnist-test"
        }  # fmt: skip


def test_mlflow_holds_the_files(sweep: Sweep) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{sweep.root}/mlflow/mlflow.db")
    run = sweep.runs[0].info.run_id
    found = {item.path for item in client.list_artifacts(run)}
    assert {"generator", "experiment.toml", "environment.json", "images"} <= found
    weights = {item.path for item in client.list_artifacts(run, "generator")}
    assert weights == {"generator/generator.safetensors", "generator/generator.json"}


def test_the_table_and_mlflow_agree(sweep: Sweep) -> None:
    shown = json.loads((sweep.home / "results" / NAME / "table.json").read_text())
    recorded = {
        (run.data.params["variant"], int(run.data.params["seed"])): run.data.metrics["final/fid"]
        for run in sweep.runs
    }
    listed = {
        (row["variant"], point["seed"]): point["value"]
        for row in shown["variants"]
        for point in row["final"]["fid"]["points"]
    }
    assert listed == recorded


def test_again_there_is_nothing_to_do(sweep: Sweep) -> None:
    before = {p: p.stat().st_mtime_ns for p in (sweep.root / "trials").rglob("*") if p.is_file()}
    again = ganbench(sweep.root, sweep.home, *sweep.arguments)
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout
    after = {p: p.stat().st_mtime_ns for p in (sweep.root / "trials").rglob("*") if p.is_file()}
    assert after == before


def test_a_changed_plugin_is_told(sweep: Sweep) -> None:
    text = sweep.plugin.read_text()
    sweep.plugin.write_text(text + "\n# changed\n")
    again = ganbench(sweep.root, sweep.home, *sweep.arguments, "--dry-run")
    sweep.plugin.write_text(text)
    assert "the file of 'wgan_gp' has changed since" in again.stdout


def records(root: Path) -> dict[str, Any]:
    """Every metric but the clock's, by trial, step and name."""
    clocks = ("seconds", "_per_s", "mem")
    return {
        f"{path.parent.name}/{entry['step']}/{name}": value
        for path in (root / "trials").glob("*/journal.jsonl")
        for entry, _ in journal.read(path)
        for name, value in entry.get("metrics", {}).items()
        if not any(clock in name for clock in clocks)
    }


def test_serial_and_processes_give_identical_records(
    sweep: Sweep, mnist_store: Path, tmp_path: Path
) -> None:
    root = fresh_store(mnist_store, tmp_path / "store")
    serial = ganbench(root, tmp_path, "run", "quick", "--variants", "wgan", "--seeds", "1", *SMALL,
                      "--executor", "serial")  # fmt: skip
    assert serial.returncode == 0, serial.stdout + serial.stderr
    one, both = records(root), records(sweep.root)
    assert len(one) > 60
    assert one.items() <= both.items()


KILLER = '''
"""Dies at its fifth step as if the system had killed it (2026)."""
import os, signal
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("killed")
class Killed(MLPBCE):
    """Killed."""
    def step(self, batch):
        if batch.index == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(batch)
'''


def test_a_killed_worker_takes_only_its_own_trial(
    sweep: Sweep, mnist_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "killed.py").write_text(KILLER)
    root = fresh_store(mnist_store, tmp_path / "store")
    ended = ganbench(root, tmp_path, "run", "quick", "--variants", "killed,mlp_bce", "--seeds", "1",
                     "--plugin", "killed.py", *SMALL)  # fmt: skip
    assert ended.returncode == 3, ended.stdout + ended.stderr
    found = statuses(root)
    assert found["mlp_bce 0"]["status"] == "done"
    assert found["killed 0"]["status"] == "failed"
    assert "most likely by the system for want of memory" in ended.stdout


@pytest.fixture
def waiting_for() -> Callable[[Callable[[], bool]], None]:
    """Poll a condition for at most a minute."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "gave up waiting"
            signal.sigtimedwait([], 0.05)

    return wait


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_it_and_the_same_command_finishes(
    number: signal.Signals, code: int, sweep: Sweep, mnist_store: Path, tmp_path: Path,
    waiting_for: Callable[[Callable[[], bool]], None],
) -> None:  # fmt: skip
    root = fresh_store(mnist_store, tmp_path / "store")
    arguments = ["run", "quick", "--variants", "mlp_bce", "--seeds", "1", "-o", "budget=38400",
                 "-o", "samples=100", "-o", "evaluations=1"]  # fmt: skip
    running = subprocess.Popen(
        command(*arguments), env=environment(root, tmp_path), cwd=tmp_path,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    waiting_for(lambda: any(s["images"] > 0 for s in statuses(root).values()))
    running.send_signal(number)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == code
    assert "the same command goes on from here" in out
    assert statuses(root)["mlp_bce 0"]["status"] == "interrupted"
    images = statuses(root)["mlp_bce 0"]["images"]
    assert 0 < images < 38400
    again = ganbench(root, tmp_path, *arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    assert statuses(root)["mlp_bce 0"]["status"] == "done"


def test_the_store_can_be_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), store.replacing(path, "w") as file:
        file.write(f"half {1 / 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
