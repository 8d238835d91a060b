"""CONTRIBUTING.md says what is true: the rooms, the files of a trial, the tags of a record."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cli.commands import app

TREE = Path(__file__).parent.parent
PAGES = {name: (TREE / name).read_text() for name in ("CONTRIBUTING.md", "README.md")}
PAGE = PAGES["CONTRIBUTING.md"]
TAG = re.compile(r"(ganbench\.[a-z_0-9.]+|mlflow\.(?!store|utils|db)[A-Za-z.]+)")
FILE = re.compile(r"[a-z]+\.(json|jsonl|txt|safetensors|png)")


def strings(*rooms: str) -> Iterator[str]:
    """Every whole string of the rooms' modules, docstrings left out."""
    for room in rooms:
        for path in sorted((TREE / "bench" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_the_drawing_is_what_the_linter_checks() -> None:
    contracts = tomllib.loads((TREE / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    rooms = "\n".join(layer.replace("bench.", "") for layer in layers)
    assert f"```\n{rooms}\n```" in PAGE


def test_every_room_is_drawn() -> None:
    kinds = (path for path in (TREE / "bench").iterdir() if not path.name.startswith("__"))
    rooms = {path.stem for path in kinds if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {room for room in rooms if f"`{room}`" not in PAGE} == set()


@pytest.mark.parametrize("tag", sorted({s for s in strings("tracking") if TAG.fullmatch(s)}))
def test_every_tag_is_described(tag: str) -> None:
    assert f"`{tag}" in PAGE


def test_every_file_of_a_trial_is_described() -> None:
    files = {text for text in strings("trials", "training") if FILE.fullmatch(text)}
    assert {"trial.json", "status.json", "journal.jsonl", "error.txt"} <= files
    assert {file for file in files if f"`{file}`" not in PAGE} == set()
    assert "`lock.asking`" in PAGE


def test_every_key_of_a_table_is_described() -> None:
    table = json.loads((TREE / "results" / "quick" / "table.json").read_text())
    names = [*table, *table["variants"][0]]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


PAGES = {
    name: (TREE / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "README.md")
}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_is_there(page: str) -> None:
    paths = set(re.findall(r"`((?:bench|tests|experiments|results|\.ci)/[\w./-]*)`", PAGES[page]))
    mine = {path for path in paths if "NAME" in path or path == "results/.store"}
    assert paths - mine
    assert {path for path in paths - mine if not (TREE / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_is_one(page: str) -> None:
    makefile = (TREE / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", PAGES[page])) <= targets
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"(?:`|bin/)ganbench ([a-z]+)", PAGES[page]))
    assert named
    assert named <= known
