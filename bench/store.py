"""Where everything lives that is not committed: one folder, moved by ``GANBENCH_STORE``."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from bench.errors import UserError


def home() -> Path:
    """The folder of ``experiments/`` and ``results/``: the source tree, else the current folder."""
    tree = Path(__file__).resolve().parent.parent
    return tree if (tree / "experiments").is_dir() else Path.cwd()


def root() -> Path:
    """The store's folder, created on first use.

    Raises:
        UserError: the folder cannot be created or written.
    """
    path = Path(os.environ.get("GANBENCH_STORE") or home() / "results" / ".store").absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, error: OSError) -> UserError:
    """The sentence for a place that cannot be written, by its cause."""
    if error.errno == errno.ENOSPC:
        why, mend = "the disk is full", "free some space"
    else:
        why, mend = error.strerror or str(error), "make it writable"
    return UserError(
        f"Cannot write {path} ({why}): {mend}, or set GANBENCH_STORE to another folder; "
        "then run the same command again and it goes on where it stopped."
    )


def require_writable(folder: Path, option: str) -> None:
    """Create the folder, and a file in it that is removed again.

    Args:
        option: of the command line, that chooses another folder.

    Raises:
        UserError: the system refuses that.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"Cannot write {folder} ({error.strerror or error}): make it writable, or choose "
            f"another folder with {option}."
        ) from error


@contextlib.contextmanager
def replacing(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Write ``path`` whole or not at all: temporary file beside it, fsync, rename, fsync folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
