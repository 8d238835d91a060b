"""The house keeps its walls: who may import whom, and how large a room may grow."""

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent


def test_no_room_imports_what_it_must_not_know() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([linter], cwd=TREE, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", sorted((TREE / "bench").rglob("*.py")), ids=lambda p: p.name)
def test_no_file_outgrows_its_noun(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_help_imports_nothing_heavy() -> None:
    heavy = {"torch", "mlflow", "pandas", "matplotlib", "torchvision", "numpy", "scipy"}
    script = f"import bench.cli.commands, sys; sys.exit(str({heavy} & set(sys.modules)))"
    checked = subprocess.run(
        [sys.executable, "-c", script], cwd=TREE, capture_output=True, text=True, check=False
    )
    assert checked.stderr.strip() == "set()"
