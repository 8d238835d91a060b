"""Where everything lives that is not committed: one folder, moved by ``GANBENCH_STORE``.

And what is said where the system refuses to read or write there.
"""

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from bench import settings
from bench.errors import UserError

_POLL_SECONDS = 0.005
"""How often a lock that another process holds is asked for."""


def home() -> Path:
    """The folder of ``experiments/`` and ``results/``: the source tree, else the current folder."""
    tree = Path(__file__).resolve().parent.parent
    return tree if (tree / "pyproject.toml").is_file() else Path.cwd()


def root() -> Path:
    """The store's folder: ``GANBENCH_STORE`` where it is set. It is created by what is written."""
    return (given(settings.STORE) or home() / "results" / ".store").absolute()


def given(variable: str) -> Path | None:
    """The path that an environment variable names; None where it is unset or empty.

    Raises:
        UserError: it begins with a ``~`` that stands for nobody's folder.
    """
    value = settings.get(variable)
    return expanded(value) if value else None


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~user`` replaced, as a shell does it, but not in ``--store=~/x``.

    Raises:
        UserError: it is empty, or its ``~`` stands for nobody's folder.
    """
    if not str(path):
        raise UserError("A path is empty: write the name of a file or folder.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"The ~ in '{path}' stands for no folder of this machine: write the whole path."
        ) from error


def safe_filename(name: str) -> str:
    """``name`` as one that cannot lead out of a folder; different names stay different."""
    plain = re.sub(r"[^A-Za-z0-9_=@,-]", "_", name)[:100]
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"


def check(folder: Path, instead: str | None = None) -> None:
    """Create a folder unless it is there, and try to write into it.

    Raises:
        UserError: that failed; the sentence is that of `unwritable`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise unwritable(folder, error, instead) from error


def unwritable(path: Path, error: OSError, instead: str | None = None) -> UserError:
    """The sentence for a place that cannot be written, by its cause.

    Args:
        path: the place.
        error: how the system refused.
        instead: what else the user can do, such as "choose another folder with --results"; by
            default what moves the store, where it lies there.
    """
    why = _why(error)
    remedy = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.ENOTDIR: "move the file that is in its way",
        errno.EEXIST: "move the file that is in its way",
        errno.EISDIR: "move the folder that is in its way",
    }.get(error.errno or 0, "make it writable")
    return _sentence(f"Cannot write {path} ({why}): {remedy}", instead or _instead(path))


def refused(path: Path, error: OSError) -> UserError:
    """The sentence for any work on files that failed: only what was to be written is unwritable.

    Args:
        path: where the work was, for an error that names no file.
        error: how the system refused.
    """
    place = Path(os.fsdecode(error.filename)) if _names_a_file(error) else path
    why, instead = _why(error), _instead(place)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return _sentence(f"{why} ({place}): raise the limit with `ulimit -n 4096`", None)
    if error.errno == errno.ENOENT and _names_a_file(error):
        return _sentence(f"{place} is missing: put it back", instead)
    if error.errno in (errno.EACCES, errno.EPERM) and _unreadable(place):
        return _sentence(f"Cannot read {place} ({why}): make it readable", instead)
    if error.errno in (errno.EIO, errno.ESTALE):
        return _sentence(f"Cannot read or write {place} ({why}): check its disk", instead)
    return unwritable(place, error)


def _sentence(problem: str, instead: str | None) -> UserError:
    choice = f", or {instead}; then" if instead else ", then"
    return UserError(f"{problem}{choice} run the same command again and it resumes.")


def _why(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return error.strerror or str(error) or type(error).__name__


def _names_a_file(error: OSError) -> bool:
    return isinstance(error.filename, str | bytes)


def _unreadable(path: Path) -> bool:
    """Whether the path is there but may not be read, or a folder above it may not be entered."""
    try:
        return path.exists() and not os.access(path, os.R_OK)
    except PermissionError:
        return True


def _instead(path: Path) -> str | None:
    """What moves a place to another one; None where nothing does."""
    return "set GANBENCH_STORE to another folder" if path.is_relative_to(root()) else None


def lock(path: Path) -> FileLock:
    """A lock between processes, for a ``with``; the system frees it when its holder ends or dies.

    Never filelock's substitute for file systems without locks: that one outlives its holder.
    """
    return FileLock(path, poll_interval=_POLL_SECONDS, fallback_to_soft=False)


@contextlib.contextmanager
def replacing(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Write ``path`` whole or not at all: temporary file, fsync, rename, fsync of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        _sync(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _sync(folder: Path) -> None:
    """Write the folder's names to the disk; Windows has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
