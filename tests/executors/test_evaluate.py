"""`ganbench evaluate` with a metric of one file, in an empty folder; nothing is trained."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from bench import datasets
from bench.errors import UserError
from bench.evaluation import Evaluator
from bench.evaluation.declarations import METRICS
from bench.evaluation.extractor import FeatureExtractor
from bench.executors.evaluate import Evaluation, evaluate
from bench.trials import event_log, status
from bench.variants import registry

EXAMPLES = Path(__file__).parent.parent
TOML = """
dataset = "shapes"
variants = ["mlp_bce", "cgan"]
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
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it for one test, whose plug-ins are forgotten afterwards."""
    for things in (METRICS, datasets.dataset._DATASETS):
        things.names()  # which imports all that belong to the project
        monkeypatch.setattr(things, "_things", dict(things._things))
        monkeypatch.setattr(things, "_by_module", dict(things._by_module))
    modules = set(sys.modules)
    folder = Path(shutil.copytree(trained, tmp_path / "own"))
    monkeypatch.setenv("GANBENCH_STORE", str(folder / "store"))
    yield folder
    for name in set(sys.modules) - modules:
        if name.startswith("ganbench_plugin_"):
            del sys.modules[name]


def evaluated(folder: Path, plugins: list[Path] | None = None) -> tuple[Evaluation, list[str]]:
    """The same in this process, and without a table."""
    lines: list[str] = []
    plugins = [folder / "feature_spread.py"] if plugins is None else plugins
    for path in plugins:
        registry.load_plugin(path)
    return evaluate(experiment(folder), plugins, lines.append), lines


def ganbench(folder: Path, *arguments: str) -> str:
    """What the command prints, run in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments, "--store", "store"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != "GANBENCH_DATA"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
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
    listed = {row["final"]["feature_spread"]["points"][0]["value"] for row in table["variants"]}
    assert listed == recorded
    assert table["floor"]["feature_spread"] == pytest.approx(1, abs=0.1)
    again, _ = evaluated(folder)
    assert str(again) == "Metrics added: none. Trials that had every metric: 2."
    assert [log.read_bytes() for log in logs(folder)] == after


class Killed(BaseException):
    """Ends the process wherever it is."""


def test_a_metric_of_one_file_is_in_score(folder: Path) -> None:
    plugins = ["--plugin", "shapes.py", *METRIC]
    np.save(folder / "noise.npy", np.random.default_rng(0).random((300, 8, 8)))
    printed = ganbench(folder, "score", "noise.npy", "--dataset", "shapes", "--json", *plugins)
    content = json.loads(printed)
    assert content["measure"] == "shapes-v1/penultimate/n300/test"
    assert content["metrics"]["feature_spread"] > 0
    assert content["floor"]["feature_spread"] == pytest.approx(1, abs=0.1)
    assert content["floor"]["modes"] == 4


def test_an_interrupted_evaluate_resumes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first trial keeps its value, the second one gets it later."""
    whole, killed = Evaluator.score, iter([False, True])

    def score(self: Evaluator, *given: Any, metrics: Any = None, **options: Any) -> Any:
        if metrics and next(killed):  # the floor is measured by all metrics
            raise Killed
        return whole(self, *given, metrics=metrics, **options)

    monkeypatch.setattr(Evaluator, "score", score)
    with pytest.raises(Killed):
        evaluated(folder)
    first = [values(log, "final/feature_spread") for log in logs(folder)]
    assert sorted(map(len, first)) == [0, 1]
    monkeypatch.setattr(Evaluator, "score", whole)
    outcome, _ = evaluated(folder)
    assert (outcome.added, outcome.complete) == ({"feature_spread": 1}, 1)
    second = [values(log, "final/feature_spread") for log in logs(folder)]
    assert list(map(len, second)) == [1, 1]
    assert all(before in ([], after) for before, after in zip(first, second, strict=True))
    assert all("final/feature_spread" in run.data.metrics for run in runs(folder))


def test_a_log_is_replaced_or_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill while the log is written leaves a trial that has ended, without the new value."""
    before = [log.read_bytes() for log in logs(folder)]

    def killed(handle: int) -> None:
        raise Killed

    monkeypatch.setattr(os, "fsync", killed)
    log = event_log.EventLog(logs(folder)[0].parent)
    with pytest.raises(Killed):
        log.supplement({"final/feature_spread": 1.0}, {"ganbench.words": "some"})
    assert [log.read_bytes() for log in logs(folder)] == before
    monkeypatch.undo()
    log.supplement({"final/feature_spread": 1.0}, {"ganbench.words": "some"})
    assert status.over(log.path.parent)
    assert [entry["event"] for entry, _ in event_log.read(log.path)][-3:] == [
        "metrics",
        "tags",
        "end",
    ]


def test_a_metric_of_labels_is_measured_again_of_conditional_variants_only(folder: Path) -> None:
    (log,) = [log for log in logs(folder) if values(log, "final/label_accuracy")]
    (accuracy,) = values(log, "final/label_accuracy")
    log.write_text(log.read_text().replace('"final/label_accuracy"', '"final/other"'))
    outcome, _ = evaluated(folder, plugins=[])
    assert (outcome.added, outcome.complete) == ({"label_accuracy": 1}, 1)
    assert values(log, "final/label_accuracy") == [accuracy]


def test_a_saved_generator_draws_the_samples_that_were_measured(folder: Path) -> None:
    """A metric that is forgotten and measured again has the same bits."""
    log = logs(folder)[0]
    (kid,) = values(log, "final/kid")
    log.write_text(log.read_text().replace('"final/kid"', '"final/other"'))
    outcome, _ = evaluated(folder, plugins=[])
    assert (outcome.added, outcome.complete) == ({"kid": 1}, 1)
    assert values(log, "final/kid") == [kid]


def test_a_trial_without_its_generator_is_left_out_in_a_sentence(folder: Path) -> None:
    path = logs(folder)[0].parent / "generator.safetensors"
    path.unlink()
    outcome, lines = evaluated(folder)
    assert (outcome.added, outcome.left_out) == ({"feature_spread": 1}, 1)
    (line,) = [line for line in lines if "is not measured" in line]
    assert f"is not measured. Its generator {path} is missing: put the file back" in line
    assert "Trials that could not be measured: 1." in str(outcome)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.read_bytes()[:1000], "is damaged or belongs to other code of"),
        (lambda path: save({"0.weight": torch.ones(1)}), "is damaged or belongs to other code of"),
        (lambda path: save({k: v + 0.1 for k, v in load_file(path).items()}), "gets fid_heldout ="),
    ],
)
def test_a_generator_that_is_not_the_trials_own_is_left_out(
    folder: Path, damage: Callable[[Path], bytes], why: str
) -> None:
    path = logs(folder)[0].parent / "generator.safetensors"
    path.write_bytes(damage(path))
    before = logs(folder)[0].read_bytes()
    outcome, lines = evaluated(folder)
    assert outcome.left_out == 1
    assert [line for line in lines if why in line]
    assert logs(folder)[0].read_bytes() == before


def test_numbers_of_another_evaluator_are_not_added(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = FeatureExtractor.__init__

    def other(self: FeatureExtractor, id: str, *given: Any) -> None:
        load(self, "shapes-v2", *given)

    monkeypatch.setattr(FeatureExtractor, "__init__", other)
    outcome, lines = evaluated(folder)
    assert outcome.left_out == 2
    assert "The evaluator was shapes-v1 when it was trained and is shapes-v2 now" in lines[0]


def test_a_metric_that_is_not_defined_is_named_with_the_reason(folder: Path) -> None:
    text = (folder / "feature_spread.py").read_text()
    start = text.index("    ours, theirs")
    (folder / "never.py").write_text(
        text[:start].replace("def feature_spread", "def never") + '    return float("nan")\n'
    )
    outcome, lines = evaluated(folder, plugins=[folder / "never.py"])
    why = "gets no never, because it is nan for these samples."
    assert sum(line.endswith(why) for line in lines) == 2
    assert (outcome.added, outcome.complete) == ({}, 2)


def test_a_trial_of_another_process_is_left_out(folder: Path) -> None:
    with status.owning(logs(folder)[0].parent):
        outcome, lines = evaluated(folder)
    assert outcome.left_out == 1
    assert "Another process works on it: run this command again later." in " ".join(lines)


def test_an_experiment_that_was_never_run_is_named_in_a_sentence(folder: Path) -> None:
    with pytest.raises(UserError, match="There is no experiment in this store 'never-run'"):
        evaluate("never-run", [], print)
