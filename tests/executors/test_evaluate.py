"""`ganbench evaluate` with a metric of one file, in an empty folder; nothing is trained."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

EXAMPLES = Path(__file__).parent.parent
TOML = """
dataset = "shapes"
variants = ["mlp_bce", "wgan"]
seeds = 1
budget = 1280
evaluations = 2
samples = 300
"""
METRIC = ["--plugin", "feature_spread.py"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two files of a user's own and two trials that know nothing of the metric."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(EXAMPLES / "datasets" / "examples" / "shapes.py", folder)
    shutil.copy(EXAMPLES / "evaluation" / "examples" / "feature_spread.py", folder)
    (folder / "own.toml").write_text(TOML)
    ganbench(folder, "run", "own.toml", "--plugin", "shapes.py")
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(trained, tmp_path / "own"))


def ganbench(folder: Path, *arguments: str, code: int = 0) -> str:
    """What the command prints, run in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments, "--store", "store"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != "GANBENCH_DATA"},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def experiment(folder: Path) -> str:
    (path,) = folder.glob("store/experiments/*.json")
    return str(json.loads(path.read_text())["name"])


def logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("store/trials/*/journal.jsonl"))


def values(log: Path, name: str) -> list[float]:
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return [e["metrics"][name] for e in entries if name in e.get("metrics", {})]


def runs(folder: Path) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/store/mlflow/mlflow.db")
    ids = [e.experiment_id for e in client.search_experiments(filter_string="name != 'Default'")]
    entries = client.search_runs(ids, order_by=["params.variant"])
    return [run for run in entries if "ganbench.kind" not in run.data.tags]


def test_a_metric_of_one_file_reaches_log_mlflow_and_table(folder: Path) -> None:
    name, before = experiment(folder), [log.read_bytes() for log in logs(folder)]
    ends = [run.info.end_time for run in runs(folder)]
    printed = ganbench(folder, "evaluate", name, *METRIC)
    assert "mlp_bce seed 0 now has feature_spread." in printed
    assert "Metrics added: feature_spread (2 trials). Trials that had every metric: 0." in printed
    after = [log.read_bytes() for log in logs(folder)]
    for old, new in zip(before, after, strict=True):
        assert new.startswith(old)  # what was recorded stays
        assert new.splitlines()[-1] == old.splitlines()[-1]  # the end is the last line
    recorded = {values(log, "final/feature_spread")[0] for log in logs(folder)}
    assert {run.data.metrics["final/feature_spread"] for run in runs(folder)} == recorded
    assert all(run.data.metrics["noise/feature_spread"] > 0 for run in runs(folder))
    assert [run.info.end_time for run in runs(folder)] == ends
    assert {run.info.status for run in runs(folder)} == {"FINISHED"}
    (results,) = (folder / "store" / "results").iterdir()
    assert "feature spread ≈ floor" in (results / "table.md").read_text()
    table = json.loads((results / "table.json").read_text())
    shown = {row["final"]["feature_spread"]["points"][0]["value"] for row in table["variants"]}
    assert shown == recorded
    assert table["floor"]["feature_spread"] == pytest.approx(1, abs=0.1)
    again = ganbench(folder, "evaluate", name, *METRIC)
    assert "Metrics added: none. Trials that had every metric: 2." in again
    assert [log.read_bytes() for log in logs(folder)] == after
    assert "othing to do" in ganbench(folder, "run", "own.toml", "--plugin", "shapes.py")


def test_an_interrupted_evaluate_resumes(folder: Path) -> None:
    """It is killed in the second trial; the first trial keeps its value, the second gets one."""
    name, file = experiment(folder), folder / "feature_spread.py"
    whole = file.read_text()
    line = "    ours, theirs"
    assert line in whole
    stop = (
        '    if sum("final/feature_spread" in log.read_text() for log in'
        ' __import__("pathlib").Path("store").glob("trials/*/journal.jsonl")) == 1:\n'
        '        __import__("os")._exit(9)\n'
    )
    file.write_text(whole.replace(line, stop + line))
    ganbench(folder, "evaluate", name, *METRIC, code=9)
    first = [values(log, "final/feature_spread") for log in logs(folder)]
    assert sorted(map(len, first)) == [0, 1]
    file.write_text(whole)
    printed = ganbench(folder, "evaluate", name, *METRIC)
    assert "feature_spread (1 trial). Trials that had every metric: 1." in printed
    second = [values(log, "final/feature_spread") for log in logs(folder)]
    assert list(map(len, second)) == [1, 1]
    assert all(before in ([], after) for before, after in zip(first, second, strict=True))
    assert all("final/feature_spread" in run.data.metrics for run in runs(folder))


def test_a_saved_generator_draws_the_samples_that_were_measured(folder: Path) -> None:
    """A metric that is forgotten and measured again has the same bits."""
    log = logs(folder)[0]
    (kid,) = values(log, "final/kid")
    log.write_text(log.read_text().replace('"final/kid"', '"final/other"'))
    printed = ganbench(folder, "evaluate", experiment(folder))
    assert "Metrics added: kid (1 trial). Trials that had every metric: 1." in printed
    assert values(log, "final/kid") == [kid]


def test_a_trial_without_its_generator_is_left_out_in_a_sentence(folder: Path) -> None:
    path = logs(folder)[0].parent / "generator.safetensors"
    path.unlink()
    printed = ganbench(folder, "evaluate", experiment(folder), *METRIC, code=3)
    assert f"is not measured. Its generator {path} is missing: put the file back" in printed
    assert "feature_spread (1 trial)" in printed
    assert "Trials that could not be measured: 1." in printed


@pytest.mark.parametrize("damage", ["truncated", "of other code", "of other weights"])
def test_a_generator_that_is_not_the_trials_own_is_left_out(folder: Path, damage: str) -> None:
    own = logs(folder)[0].parent / "generator.safetensors"
    if damage == "truncated":
        own.write_bytes(own.read_bytes()[:1000])
    elif damage == "of other code":
        own.write_bytes(save({"0.weight": torch.ones(1)}))
    else:
        own.write_bytes(save({name: value + 0.1 for name, value in load_file(own).items()}))
    before = logs(folder)[0].read_bytes()
    printed = ganbench(folder, "evaluate", experiment(folder), *METRIC, code=3)
    assert ("gets fid_heldout =" if "weights" in damage else "is damaged or belongs to") in printed
    assert logs(folder)[0].read_bytes() == before


def test_an_experiment_that_was_never_run_is_named_in_a_sentence(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "evaluate", "quick", "--store", "store"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no experiment in this store 'quick'")
