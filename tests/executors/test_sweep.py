"""Real sweeps, small ones, from the command to MLflow and the table."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bench import paths

from .commands import NAME, SMALL, TREE, fresh_store, ganbench, mlflow_runs, records, statuses


def readme_plugin() -> str:
    (example,) = re.findall(
        r"```python\n(\"\"\"Hinge.*?)```", (TREE / "README.md").read_text(), re.DOTALL
    )
    return str(example)


class Sweep:
    """A finished sweep of two variants and the README's plug-in over two seeds."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        self.plugin = home / "hinge_r1.py"
        self.plugin.write_text(readme_plugin())
        self.arguments = ["run", "quick", "--variants", "mlp_bce,wgan,hinge_r1", "--seeds", "2"]
        self.arguments += ["--plugin", str(self.plugin), *SMALL]
        self.first = ganbench(root, home, *self.arguments)

    @property
    def results(self) -> Path:
        """In the store: options were given, so that these are not the tables of quick.toml."""
        return self.root / "results" / NAME

    @property
    def runs(self) -> list[Any]:
        return mlflow_runs(self.root)


@pytest.fixture(scope="module")
def sweep(mnist_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    home = tmp_path_factory.mktemp("home")
    return Sweep(fresh_store(mnist_store, home / "store"), home)


def test_the_readme_example_has_at_most_30_lines() -> None:
    assert len(readme_plugin().splitlines()) <= 30


def test_it_ends_well_and_leaves_the_table(sweep: Sweep) -> None:
    assert sweep.first.returncode == 0, sweep.first.stdout + sweep.first.stderr
    results = sweep.results
    table = (results / "table.md").read_text()
    for row in ("mlp_bce", "wgan", "hinge_r1", "real data (floor)"):
        assert f"| {row} |" in table
    assert "digits-v1-" in table
    assert "n = 100" in table
    for name in ("table.tex", "table.csv", "fid.png", "samples.png", "index.html"):
        assert (results / name).stat().st_size > 500
    printed = [line.split() for line in sweep.first.stdout.splitlines()]
    assert sum(words[:2] == ["wgan", "2"] for words in printed) == 1


def test_mlflow_holds_everything(sweep: Sweep) -> None:
    runs = sweep.runs
    assert len(runs) == 6
    for run in runs:
        assert run.info.status == "FINISHED"
        assert {"variant", "seed", "budget", "batch", "lr", "n_critic"} <= set(run.data.params)
        for name in (
            "fid",
            "modes",
            "modes_any",
            "mode_kl",
            "confidence",
            "inception_score",
            "precision",
        ):
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
    files = {item.path for item in client.list_artifacts(run)}
    assert {"generator", "experiment.toml", "environment.json", "images"} <= files
    weights = {item.path for item in client.list_artifacts(run, "generator")}
    assert weights == {"generator/generator.safetensors", "generator/generator.json"}


def test_mlflow_shows_the_verdict_and_holds_the_page(sweep: Sweep) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{sweep.root}/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    results = sweep.results
    verdict = json.loads((results / "table.json").read_text())["verdict"]
    assert f"**Verdict:** {verdict}" in experiment.tags["mlflow.note.content"]
    assert "--plugin hinge_r1.py --variants mlp_bce,wgan,hinge_r1 --seeds 3`" in verdict
    condition = "tags.`ganbench.kind` = 'comparison'"
    (run,) = client.search_runs([experiment.experiment_id], condition)
    page = Path(client.download_artifacts(run.info.run_id, "index.html")).read_bytes()
    assert page == (results / "index.html").read_bytes()


def test_the_table_and_mlflow_agree(sweep: Sweep) -> None:
    shown = json.loads((sweep.results / "table.json").read_text())
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


def test_options_keep_the_tables_out_of_the_source_tree(sweep: Sweep) -> None:
    assert not (sweep.home / "results").exists()
    assert f"All tables and pictures: {sweep.results}" in sweep.first.stdout
    look = f"Every run in MLflow: ganbench ui {NAME} --store {sweep.root}\n"
    assert look in sweep.first.stdout


def test_the_experiment_beside_the_table_finds_the_same_trials(sweep: Sweep) -> None:
    kept = sweep.results / "experiment.toml"
    settings = tomllib.loads(kept.read_text())
    assert settings["variants"] == ["mlp_bce", "wgan", "hinge_r1"]
    assert (settings["seeds"], settings["budget"], settings["samples"]) == ([0, 1], 640, 100)
    again = ganbench(
        sweep.root, sweep.home, "run", str(kept), "--plugin", str(sweep.plugin), "--dry-run"
    )
    assert "6 trials, 6 done, 0 to do." in again.stdout


def test_a_table_of_other_trials_is_not_up_to_date(sweep: Sweep, tmp_path: Path) -> None:
    """A subset is another table, made without training anything; then the first comes back."""
    arguments = [*sweep.arguments, "--results", str(tmp_path)]
    arguments[arguments.index("--seeds") + 1] = "1"
    fewer = ganbench(sweep.root, sweep.home, *arguments)
    assert fewer.returncode == 0, fewer.stdout + fewer.stderr
    table = json.loads((tmp_path / NAME / "table.json").read_text())
    assert [row["n"] for row in table["variants"]] == [1, 1, 1]
    assert any("3 runs are left out: they have other variants, seeds" in n for n in table["notes"])
    whole = ganbench(sweep.root, sweep.home, *sweep.arguments, "--results", str(tmp_path))
    assert "Nothing to do" not in whole.stdout
    table = json.loads((tmp_path / NAME / "table.json").read_text())
    assert [row["n"] for row in table["variants"]] == [2, 2, 2]


def test_a_file_of_ones_own_never_mixes_with_an_experiment_of_its_name(
    sweep: Sweep, tmp_path: Path
) -> None:
    own = tmp_path / "quick.toml"
    text = 'variants = ["mlp_bce"]\nseeds = 2\nbudget = 640\nbatch = 32\nevaluations = 2\n'
    own.write_text(text + "samples = 100\n")
    ran = ganbench(sweep.root, sweep.home, "run", str(own))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (results,) = (sweep.root / "results").glob("quick-*")
    assert (results / "experiment.toml").read_text() == own.read_text()
    assert len(mlflow_runs(sweep.root, results.name)) == 2
    assert not (sweep.home / "results").exists()
    again = ganbench(sweep.root, sweep.home, "run", str(own))
    assert f"Nothing to do: {results / 'table.md'} is up to date." in again.stdout


def test_a_run_that_was_deleted_in_mlflow_is_sent_again(sweep: Sweep) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{sweep.root}/mlflow/mlflow.db")
    gone = sweep.runs[0]
    client.delete_run(gone.info.run_id)
    table = ganbench(sweep.root, sweep.home, "table", NAME, "--format", "json")
    (note,) = json.loads(table.stdout)["notes"]
    assert note.startswith("1 of 6 trials have no run in MLflow yet: `ganbench run quick -o batch")
    again = ganbench(sweep.root, sweep.home, *sweep.arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing to do" not in again.stdout
    (back,) = [
        r for r in sweep.runs if r.data.tags["ganbench.key"] == gone.data.tags["ganbench.key"]
    ]
    assert back.data.metrics == gone.data.metrics
    assert [
        row["n"] for row in json.loads((sweep.results / "table.json").read_text())["variants"]
    ] == [2, 2, 2]


def test_results_that_cannot_be_written_are_refused_before_training(
    mnist_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "results").write_text("in the way")
    root = fresh_store(mnist_store, tmp_path / "store")
    ended = ganbench(root, tmp_path, "run", "quick")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: Cannot write {tmp_path / 'results' / 'quick'} (Not a directory): move the file "
        "that is in its way, or choose another folder with --results; then run the same command "
        "again and it resumes.\n"
    )
    assert not (root / "trials").exists()


def test_a_changed_plugin_is_noted(sweep: Sweep) -> None:
    text = sweep.plugin.read_text()
    sweep.plugin.write_text(text + "\n# changed\n")
    again = ganbench(sweep.root, sweep.home, *sweep.arguments, "--dry-run")
    sweep.plugin.write_text(text)
    assert "the code of 'hinge_r1' has changed since" in again.stdout


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


@pytest.mark.system
def test_a_killed_worker_takes_only_its_own_trial(
    sweep: Sweep, mnist_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "killed.py").write_text(KILLER)
    root = fresh_store(mnist_store, tmp_path / "store")
    ended = ganbench(root, tmp_path, "run", "quick", "--variants", "killed,mlp_bce", "--seeds", "1",
                     "--plugin", "killed.py", *SMALL)  # fmt: skip
    assert ended.returncode == 3, ended.stdout + ended.stderr
    states = statuses(root)
    assert states["mlp_bce 0"]["status"] == "done"
    assert states["killed 0"]["status"] == "failed"
    assert "most likely because the memory was full" in ended.stdout


def test_the_store_can_be_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), paths.replacing(path, "w") as file:
        file.write(f"half {1 / 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
