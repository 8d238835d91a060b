"""Where things lie, and what is said where the system refuses to read or write there."""

import errno
import os
from pathlib import Path

import pytest

from bench import paths
from bench.errors import UserError


def refusal(number: int, path: Path | None) -> OSError:
    return OSError(number, os.strerror(number), *([str(path)] if path else []))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def test_the_store_is_named_and_not_created(root: Path) -> None:
    assert paths.root() == root
    assert not root.exists()


@pytest.mark.parametrize("name", ["~/mine", "~"])
def test_a_home_is_expanded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GANBENCH_STORE", name)
    assert paths.root() == Path(name.replace("~", str(tmp_path)))


def test_the_home_of_nobody_is_a_sentence() -> None:
    with pytest.raises(UserError, match="The ~ in '~no-such-user/x' stands for no folder"):
        paths.expanded("~no-such-user/x")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_STORE", "")
    assert paths.root() == paths.home() / "results" / ".store"


def test_a_folder_is_checked_before_it_is_needed(root: Path) -> None:
    paths.check(root / "trials")
    assert list((root / "trials").iterdir()) == []
    (root / "file").touch()
    with pytest.raises(UserError, match="move the file that is in its way, or choose another with"):
        paths.check(root / "file" / "folder", "choose another with --results")


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("store/trials/x", ", or set GANBENCH_STORE to another folder; then"),
        ("checkout/results/x", "make it writable, then"),
    ],
)
def test_the_advice_moves_the_place_that_is_meant(place: str, advice: str, root: Path) -> None:
    path = root.parent / place
    problem = refusal(errno.EACCES, path)
    for said in (paths.unwritable(path, problem), paths.refused(root, problem)):
        assert str(said).startswith(f"Cannot write {path} (Permission denied): make it writable")
        assert advice in str(said)
    assert "with --results; then" in str(paths.unwritable(path, problem, "go with --results"))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, "Cannot read {} (Permission denied): make it readable"),
        (errno.EPERM, "Cannot read {} (Operation not permitted): make it readable"),
        (errno.ENOENT, "{} is missing: put it back"),
        (errno.EIO, "Cannot read or write {} (Input/output error): check its disk"),
        (errno.ENOSPC, "Cannot write {} (the disk is full): free some space"),
        (errno.EROFS, "Cannot write {} (Read-only file system): make it writable"),
        (errno.EISDIR, "Cannot write {} (Is a directory): move the folder that is in its way"),
        (errno.EMFILE, "Too many open files ({}): raise the limit with `ulimit -n 4096`"),
    ],
)
def test_what_cannot_be_read_is_not_called_unwritable(
    number: int, expected: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "journal.jsonl"
    root.mkdir()
    path.touch()
    # Root may read everything, so the system is not asked.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK)
    assert str(paths.refused(root, refusal(number, path))).startswith(expected.format(path))


def test_a_file_in_a_folder_that_may_not_be_entered_cannot_be_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "exists", forbidden)
    said = str(paths.refused(root, refusal(errno.EACCES, root / "x")))
    assert said.startswith(f"Cannot read {root / 'x'}")


def test_an_error_that_names_no_file_is_one_of_the_place(root: Path) -> None:
    assert str(root) in str(paths.refused(root, refusal(errno.ENOSPC, None)))
    nowhere = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")
    said = str(paths.refused(root, nowhere))
    assert said.startswith(f"Cannot write {root} (No usable temporary directory found in ['/tmp'])")


def test_text_is_written_as_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    with paths.replacing(tmp_path / "x", "w") as file:
        assert file.encoding == "utf-8"
