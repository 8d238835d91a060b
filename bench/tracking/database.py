"""The sqlite file of a store: created once, by one of many processes, and opened after a move."""

import atexit
import contextlib
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import paths
from bench.errors import UserError
from bench.tracking import addresses

_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow holds a location of artifacts, each with its whole path: table and column."""
_OURS = """
    SELECT DISTINCT artifact_location FROM experiments
    JOIN experiment_tags USING (experiment_id) WHERE key LIKE 'ganbench.%'
"""
_TIMEOUT_SECONDS = 60.0


def ensure(path: Path, build: Callable[[Path], None]) -> None:
    """Create the file unless it is there; ``build`` makes MLflow's tables in a new one.

    MLflow migrates without a lock: two processes that create one file together ruin it for good.
    So one of them builds it under a temporary name and the others wait.

    Raises:
        UserError: the folder cannot be written.
    """
    if _made(path):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with paths.lock(path.with_name(f".{path.name}.lock")):
            if not _made(path):
                _create(path, build)
    except OSError as error:
        raise paths.unwritable(path, error) from error


def _made(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _create(path: Path, build: Callable[[Path], None]) -> None:
    temporary = path.with_name(f".{path.name}.new")
    _remove(temporary)
    build(temporary)
    with contextlib.closing(sqlite3.connect(temporary)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA user_version={secrets.randbelow(2**31 - 1) + 1}")
        connection.commit()
    _remove(path)  # sqlite would apply the side files of a database that was emptied to this one
    temporary.replace(path)


def _remove(path: Path) -> None:
    """What a killed creation or another database left behind, sqlite's side files with it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def identity(uri: str) -> int:
    """A number that tells one sqlite file from another made in its place; 0 for a server."""
    path = addresses.file_of(uri)
    if path is None or not path.exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:  # no database: MLflow says so when it is opened
        return 0


def readable(uri: str) -> str:
    """The address to read a store at: its own, or a copy's where nothing may be written.

    sqlite itself writes next to a database that is only read. The copy lasts until this process
    ends; the artifacts are those of the store.

    Raises:
        UserError: there is no such store.
    """
    path = addresses.file_of(uri)
    if path is None:
        return uri
    if not path.is_file():
        raise UserError(
            f"There are no records at {path} yet: make them with `ganbench run quick`, or "
            "set GANBENCH_STORE to the folder of an older store."
        )
    if writable(path):
        relocate(path, path.parent / "artifacts")
        return uri
    scratch = Path(tempfile.mkdtemp(prefix="ganbench-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for name in (path.name, f"{path.name}-wal"):
        if path.with_name(name).exists():
            shutil.copyfile(path.with_name(name), scratch / name)
    relocate(scratch / path.name, path.parent / "artifacts")
    return addresses.of_file(scratch / path.name)


def writable(path: Path) -> bool:
    """Whether sqlite can write the file, and its log next to it."""
    return all(os.access(place, os.W_OK) for place in (path, path.parent))


def relocate(path: Path, root: Path) -> None:
    """Let a database whose store was moved or copied find its artifacts in ``root``.

    A copied store must neither show nor change the artifacts of the original. Nothing changes
    where the artifacts are still at their recorded place and not at ``root``, and nothing of
    experiments that are not ours and lie elsewhere.

    Args:
        path: a file of MLflow; anything else is left for MLflow to complain about.
        root: the folder ``artifacts`` of the store.
    """
    with (
        paths.lock(path.with_name(f".{path.name}.lock")),
        contextlib.suppress(sqlite3.DatabaseError),
        contextlib.closing(sqlite3.connect(path, timeout=_TIMEOUT_SECONDS)) as connection,
    ):
        for old in set(_earlier(connection, root)):
            with connection:  # one transaction
                for table, column in _LOCATIONS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                        f"WHERE substr({column}, 1, length(:old) + 1) = :old || '/'",
                        {"new": addresses.location(root), "old": old},
                    )


def _earlier(connection: sqlite3.Connection, root: Path) -> Iterator[str]:
    """The recorded folders that ``root`` has taken the place of, as they are written there."""
    for (location,) in connection.execute(_OURS):
        folder = addresses.folder_of(location)
        if folder is None or folder.parent.name != root.name or folder.parent == root:
            continue
        if root.is_dir() or not folder.parent.is_dir():
            yield location.rpartition("/")[0]
