"""A data set of one file, with its evaluator, in an empty folder: from training to the page."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "examples" / "shapes.py"
TOML = """
dataset = "shapes"
variants = ["mlp_bce", "wgan"]
seeds = 1
budget = 1280
evaluations = 2
samples = 300
"""


def test_a_data_set_of_one_file_runs_to_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    shutil.copy(EXAMPLE, tmp_path / "dataset.py")
    (tmp_path / "own.toml").write_text(TOML)
    plugin, store = ["--plugin", "dataset.py"], ["--store", "store"]
    checked = ganbench(tmp_path, "data", "shapes", *plugin, *store)
    assert checked.startswith("It is made without any file. The data set's sha256 is ")
    out = ganbench(tmp_path, "run", "own.toml", *plugin, *store)
    assert "wgan has the lowest mean FID" in out or "mlp_bce has the lowest mean FID" in out
    (results,) = (tmp_path / "store" / "results").iterdir()
    for name in ("table.md", "table.tex", "index.html", "samples.png", "paths.png"):
        assert (results / name).stat().st_size > 0
    assert "trained on shapes, measured by shapes-v1" in (results / "table.md").read_text()
    rows = json.loads((results / "table.json").read_text())["variants"]
    assert {row["variant"] for row in rows} >= {"mlp_bce", "wgan"}
    trials = [json.loads(path.read_text()) for path in tmp_path.glob("store/trials/*/trial.json")]
    assert len(trials) == 2
    for trial in trials:
        assert trial["identity"]["dataset_name"] == "shapes"
        assert trial["identity"]["dataset"] in checked
        assert trial["identity"]["ruler"] == "shapes-v1"
    assert "nothing to do" in ganbench(tmp_path, "run", "own.toml", *plugin, *store).lower()


def ganbench(folder: Path, *arguments: str) -> str:
    """What the command prints, run in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
