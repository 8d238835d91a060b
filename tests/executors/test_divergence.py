"""A sweep in which a trial diverges: a result, counted in the table and in no mean."""

import json
import sys
from pathlib import Path

import pytest

from bench import cli, seeding

from .commands import mlflow_runs, provide_quick

BURSTS = '''
"""Its images are infinite for one seed, though its losses are finite (2026)."""
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("bursts")
class Bursts(MLPBCE):
    """Bursts."""
    def sample(self, n, generator):
        images = super().sample(n, generator)
        return images / (generator.initial_seed() != {stream})
'''


@pytest.mark.system
def test_an_image_that_is_not_finite_counts_as_divergence_and_in_no_mean(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide_quick(tmp_path)
    monkeypatch.setattr("bench.paths.home", lambda: tmp_path)
    plugin = tmp_path / "bursts.py"
    plugin.write_text(BURSTS.format(stream=seeding.derive("evaluation", 1)))
    arguments = ["run", "quick", "--variants", "bursts", "--seeds", "2", "--plugin", str(plugin)]
    arguments += ["--executor", "serial", "-o", "budget=64", "-o", "batch=32", "-o", "samples=100"]
    monkeypatch.setattr(sys, "argv", ["ganbench", *arguments, "-o", "evaluations=1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    name = "quick@batch=32,budget=64,evaluations=1,samples=100"
    table = json.loads((own_store / "results" / name / "table.json").read_text())
    (row,) = table["variants"]
    assert (row["n"], row["failures"]) == (1, 1)
    assert [trial["status"] for trial in row["trials"]] == ["done", "diverged"]
    assert row["trials"][1]["reason"] == "a generated image is not finite at step 2."
    (only,) = row["final"]["fid"]["points"]
    assert (only["seed"], only["value"]) == (0, row["final"]["fid"]["mean"])
    assert "1 of 2 bursts trials diverged" in table["verdict"]
    runs = {run.data.params["seed"]: run for run in mlflow_runs(own_store, name)}
    assert [runs[seed].info.status for seed in "01"] == ["FINISHED", "FINISHED"]
    assert runs["1"].data.tags["ganbench.status"] == "diverged"
    assert not any(key.startswith("final/") for key in runs["1"].data.metrics)
