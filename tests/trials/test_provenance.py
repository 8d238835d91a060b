"""What git says of a checkout: the commit, what was altered, and why it does not answer."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.analysis import data
from bench.errors import UserError
from bench.trials import provenance

NO_ANSWER = "The committed results/quick/table.json cannot be read, because git says: "


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit of code and a table."""
    folder = tmp_path / "tree"
    for name in ("bench/__init__.py", "pyproject.toml", "results/quick/table.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    who = ["-c", "user.name=me", "-c", "user.email=me@here"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "code"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)
    monkeypatch.setattr(provenance, "_TREE", folder)
    monkeypatch.setattr("bench.paths.home", lambda: folder)
    return folder


def commit(tree: Path) -> str:
    command = ["git", "-C", str(tree), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def refuse(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """git's own switch for its tests: the owner of the checkout counts as somebody else."""
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    switch = "GIT_TEST_ASSUME_DIFFERENT_OWNER=1 GIT_CONFIG_GLOBAL=/dev/null"
    git.write_text(f'#!/bin/sh\n{switch} exec {shutil.which("git")} "$@"\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}{os.pathsep}{os.environ['PATH']}")


def test_only_altered_code_is_dirty(tree: Path) -> None:
    (tree / "results" / "quick" / "table.json").write_text("a fresh table")
    (tree / "results" / "mine").mkdir()
    (tree / "results" / "mine" / "table.json").write_text("another one")
    assert provenance.code() == {"commit": commit(tree), "dirty": False}
    (tree / "bench" / "new.py").write_text("")
    assert provenance.code() == {"commit": commit(tree), "dirty": True}


def test_a_foreign_git_dir_changes_nothing(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert provenance.code()["commit"] is not None
    assert data._committed("results/quick/table.json") == "{}"


def test_a_checkout_that_git_refuses_is_said_with_the_reason(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(tree, monkeypatch, tmp_path)
    reason = "detected dubious ownership in repository at '.'"
    assert provenance.code() == {"commit": None, "dirty": None, "no_commit": reason}
    with pytest.raises(UserError, match=NO_ANSWER + reason) as error:
        data.read("quick")
    assert f"Make `git -C {tree} log` work, or name a stored table with --against" in str(
        error.value
    )


def test_a_machine_without_git_is_said(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = "git cannot be started: No such file or directory"
    assert provenance.code()["no_commit"] == reason
    with pytest.raises(UserError, match=NO_ANSWER + reason):
        data.read("quick")


def test_outside_a_checkout_the_file_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(provenance, "_TREE", tmp_path)
    monkeypatch.setattr("bench.paths.home", lambda: tmp_path)
    assert provenance.code()["no_commit"].startswith("not a git repository")
    with pytest.raises(UserError, match="no stored table to compare 'quick' with"):
        data.read("quick")


def test_what_was_never_committed_is_read_as_it_lies(tree: Path) -> None:
    assert data._committed("results/mine/table.json") is None
