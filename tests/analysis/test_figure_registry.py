"""Figures register themselves: one file is all that another figure takes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.analysis.figures import registry
from bench.errors import UserError
from bench.variants.registry import load_plugin

from .synthetic import Store

EXAMPLE = Path(__file__).parent / "examples" / "spread.py"


def test_a_file_in_an_empty_folder_adds_a_figure_to_the_page(quick: Store, tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path / "mine.py")
    command = [sys.executable, "-m", "bench", "table", "quick", "--plugin", "mine.py"]
    options = ["--results", str(tmp_path / "results"), "--store", str(tmp_path / "store")]
    environment = {"MLFLOW_TRACKING_URI": quick.uri, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([*command, *options], cwd=tmp_path, env=environment, text=True,
                         capture_output=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "results" / "quick" / "index.html").read_text(encoding="utf-8")
    assert 'id="figure-spread"' in page
    assert "The final FID of every trial, best first." in page
    assert (tmp_path / "results" / "quick" / "spread.pdf").read_bytes().startswith(b"%PDF")


def test_every_figure_of_the_room_is_found_in_the_order_of_the_page() -> None:
    names = [kind.name for kind in registry.kinds() if kind.place < 100]
    assert names == [
        "control", "fid", "seeds", "search_budget", "search_fields", "digits", "tradeoffs",
        "samples", "paths", "classes", "interpolation", "neighbours",
    ]  # fmt: skip


def test_two_figures_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.read_text().replace("def spread", "def seeds"))
    registry.kinds()
    with pytest.raises(UserError, match="figure name 'seeds' in .* is already taken by"):
        load_plugin(path)


def test_a_plug_in_that_registers_nothing_is_told_how(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("x = 1\n")
    with pytest.raises(UserError, match="draws a figure with @figure from bench.analysis.figures"):
        load_plugin(path)
