"""`results/index.html`: every experiment with its verdict, whatever lies next to them."""

import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from bench import analysis, paths
from bench.analysis import overview
from bench.cli import in_mlflow, running

from .conftest import Written


def test_every_experiment_is_linked(written: Written, tmp_path: Path) -> None:
    shutil.copytree(written.out, tmp_path / "quick")
    shutil.copytree(written.out, tmp_path / "b@budget=64000")
    (tmp_path / "quick" / "experiment.toml").write_text('description = "Which of `these`?"')
    (tmp_path / "speed").mkdir()
    page = overview.write(tmp_path)
    first = page.read_bytes()
    text = first.decode()
    assert re.findall('<a href="(.*)">', text) == [
        "b%40budget%3D64000/index.html",
        "quick/index.html",
    ]
    table = json.loads((tmp_path / "quick" / "table.json").read_text(encoding="utf-8"))
    fid = written.comparison.verdict.partition("FID: ")[2].partition(" (")[0]
    best = table["variants"][0]["variant"]
    assert f"Best row: <strong>{best}</strong>, FID {fid}." in text
    assert "Which of <code>these</code>?" in text
    assert f"{written.comparison.verdict.partition('. ')[0]}.</p>" in text
    assert "://" not in text
    assert overview.write(tmp_path).read_bytes() == first


def test_a_damaged_table_leaves_the_link(written: Written, tmp_path: Path) -> None:
    shutil.copytree(written.out, tmp_path / "quick")
    (tmp_path / "quick" / "table.json").write_text("{")
    text = overview.write(tmp_path).read_text(encoding="utf-8")
    assert '<a href="quick/index.html">quick</a>' in text
    assert "Its tables cannot be read." in text


@pytest.mark.parametrize(("folder", "there"), [("results", True), ("elsewhere", False)])
def test_it_is_written_for_the_results_of_the_checkout_only(
    folder: str, there: bool, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "home", lambda: tmp_path)
    monkeypatch.setattr(analysis, "compare", lambda *given: written.comparison)
    monkeypatch.setattr(in_mlflow, "log_report", lambda *given: None)
    shutil.copytree(written.out, tmp_path / folder / "quick")
    running._compare("quick", tmp_path / folder / "quick", Console())
    assert (tmp_path / folder / "index.html").exists() == there
