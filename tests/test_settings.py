"""Environment variables are named and read in one module."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import settings

TREE = Path(__file__).parent.parent
MODULES = sorted({*(TREE / "bench").rglob("*.py")} - {TREE / "bench" / "settings.py"})
VARIABLE = re.compile(r"(GANBENCH|MLFLOW)_[A-Z_]+")


def named(module: ast.AST) -> Iterator[str]:
    """Variables of ours and of MLflow's that the module spells out, as a string or a keyword."""
    for node in ast.walk(module):
        name = node.value if isinstance(node, ast.Constant) else getattr(node, "arg", None)
        if isinstance(name, str) and VARIABLE.fullmatch(name):
            yield name


def reads(module: ast.AST) -> Iterator[str]:
    """Where the module asks the environment for a variable."""
    for node in ast.walk(module):
        text = ast.unparse(node) if isinstance(node, ast.expr) else ""
        asked = isinstance(getattr(node, "ctx", None), ast.Load) and text.startswith("os.environ[")
        if asked or text in ("os.environ.get", "os.getenv"):
            yield text


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TREE)))
def test_only_settings_names_and_reads_variables(path: Path) -> None:
    module = ast.parse(path.read_text(encoding="utf-8"))
    assert [*named(module), *reads(module)] == []


def test_a_variable_elsewhere_is_seen() -> None:
    module = ast.parse(
        "f(GANBENCH_X=1, y='MLFLOW_Y')\nos.environ.get(x)\nos.getenv(x)\nos.environ[x]\n"
        "os.environ[x] = 1\nos.environ.setdefault(x, y)"
    )
    assert sorted(named(module)) == ["GANBENCH_X", "MLFLOW_Y"]
    assert sorted(reads(module)) == ["os.environ.get", "os.environ[x]", "os.getenv"]


def test_the_readme_names_what_a_user_may_set() -> None:
    readme = (TREE / "README.md").read_text(encoding="utf-8")
    mine = (settings.STORE, settings.DATA, settings.INCEPTION, settings.TRACKING_URI)
    assert [name for name in mine if f"`{name}`" not in readme] == []


def test_variables_are_set_for_a_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.STORE, "before")
    monkeypatch.delenv(settings.DATA, raising=False)
    with settings.temporarily({settings.STORE: "x", settings.DATA: "y"}):
        assert (settings.get(settings.STORE), settings.get(settings.DATA)) == ("x", "y")
    assert settings.get(settings.STORE) == "before"
    assert settings.DATA not in os.environ
