"""Where MLflow's record lives: created once whoever races for it, opened with bounded patience."""

import atexit
import contextlib
import errno
import logging
import os
import re
import secrets
import shutil
import sqlite3
import sys
import tempfile
import traceback
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import paths, settings
from bench.errors import UserError
from bench.redaction import redact
from bench.tracking import addresses, moved
from bench.tracking.record import how_to_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_ATTEMPTS = 3
"""How often MLflow tries to open a database; its own ten take two minutes."""


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI`` where it is set, else the sqlite file of the store.

    Raises:
        UserError: MLflow cannot open a file in a folder of the store's name.
    """
    return settings.get(settings.TRACKING_URI) or addresses.of_file(
        paths.root() / "mlflow" / "mlflow.db"
    )


def database(uri: str) -> Path | None:
    """The file behind a sqlite URI; None for a server or another database.

    Raises:
        UserError: the URI names nothing that MLflow can keep a record in, or its driver is missing.
    """
    return addresses.file_of(uri)


def artifact_root(uri: str) -> Path | None:
    """The folder of the artifacts: beside a sqlite file, in our store for a bare database.

    None for a server, which has its own.
    """
    path = database(uri)
    if path is not None:
        return path.parent / "artifacts"
    return None if uri.startswith("http") else paths.root() / "mlflow" / "artifacts"


def ensure(uri: str) -> None:
    """Create a sqlite store unless it is there; for a server there is nothing to do.

    MLflow migrates without a lock: two processes that create one file together ruin it for good.
    So one of them builds it under a temporary name and the others wait.

    Raises:
        UserError: the folder cannot be written, or the URI is no tracking store.
    """
    path = database(uri)
    if path is None or _made(path):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with paths.lock(path.with_name(f".{path.name}.lock")):
            if not _made(path):
                _create(path)
    except OSError as error:
        raise paths.unwritable(path, error) from error


def identity(uri: str) -> int:
    """A number that tells one sqlite file from another made in its place; 0 for a server."""
    path = database(uri)
    if path is None or not path.exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:  # no database: MLflow says so when it is opened
        return 0


def safe_filename(name: str) -> str:
    """``name`` as one that cannot lead out of a folder; different names stay different."""
    plain = re.sub(r"[^A-Za-z0-9_=@,-]", "_", name)[:100]
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"


def client(uri: str) -> "MlflowClient":
    """A client of the store, created first where need be. Imports mlflow (some 5 s).

    Raises:
        UserError: the store cannot be created or written, or mlflow is not installed.
    """
    ensure(uri)
    path = database(uri)
    if path is not None:
        if not _writable(path):
            raise paths.unwritable(path, OSError(errno.EROFS, os.strerror(errno.EROFS)))
        _relocate(path, path)
    return _opened(uri)


def reader(uri: str) -> "MlflowClient":
    """A client that only reads. Imports mlflow (some 5 s).

    Raises:
        UserError: there is no such store, or mlflow is not installed.
    """
    return _opened(readable(uri))


def readable(uri: str) -> str:
    """The address to read a store at: its own, or a copy's where nothing may be written.

    sqlite itself writes beside a database that is only read. The copy lasts until this process
    ends; the artifacts are those of the store.

    Raises:
        UserError: there is no such store.
    """
    path = database(uri)
    if path is None:
        return uri
    if not path.is_file():
        raise UserError(
            f"There are no records at {path} yet: make them with `ganbench run quick`, or "
            "set GANBENCH_STORE to the folder of an older store."
        )
    if _writable(path):
        _relocate(path, path)
        return uri
    scratch = Path(tempfile.mkdtemp(prefix="ganbench-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for name in (path.name, f"{path.name}-wal"):
        if path.with_name(name).exists():
            shutil.copyfile(path.with_name(name), scratch / name)
    _relocate(scratch / path.name, path)
    return addresses.of_file(scratch / path.name)


def _writable(path: Path) -> bool:
    return all(os.access(place, os.W_OK) for place in (path, path.parent))


def _relocate(file: Path, place: Path) -> None:
    """Let the database in ``file``, which lies at ``place``, find its artifacts there."""
    with paths.lock(file.with_name(f".{file.name}.lock")):
        moved.relocate(file, place.parent / "artifacts")


def _opened(uri: str) -> "MlflowClient":
    _settle()
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


def recorded(client: "MlflowClient", uri: str, name: str) -> "Experiment":
    """The MLflow experiment of that name.

    Raises:
        UserError: there is none.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        raise UserError(f"There is no experiment '{name}' in {redact(uri)}: {how_to_run(name)}.")
    return found


def experiment_id(client: "MlflowClient", uri: str, name: str) -> str:
    """The id of an MLflow experiment, which is created where it does not exist.

    One that is in MLflow's trash is restored, which is said on stderr: a name is taken for good, so
    its records can be written nowhere else.
    """
    from mlflow.exceptions import MlflowException

    root = artifact_root(uri)
    place = None if root is None else addresses.location(root / safe_filename(name))
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:  # unless another process was first
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
        print(
            f"The MLflow experiment '{name}' was in the trash and is restored, because its records "
            "are written again.",
            file=sys.stderr,
        )
    return str(found.experiment_id)


def _settle() -> None:
    """Set what MLflow reads while it is imported."""
    for name, value in settings.MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(settings.MLFLOW_FORCED)
    os.environ.pop(settings.MLFLOW_FORGOTTEN, None)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        import mlflow.store.db.utils as databases
    except ImportError as error:
        raise UserError(
            f"The mlflow package is missing here ({error}): training needs none of it and its "
            "records are kept; install it, or copy the store to a machine that has it, and run the "
            "same command or `ganbench publish URI` there."
        ) from error
    # One line a migration, 40 of them, on the first start of every user.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    databases.MAX_RETRY_COUNT = min(databases.MAX_RETRY_COUNT, _ATTEMPTS)
    for handler in logging.getLogger("mlflow").handlers:
        handler.addFilter(_without_secrets)


def _without_secrets(line: logging.LogRecord) -> bool:
    """What MLflow logs of a failure may quote an address."""
    line.msg, line.args = redact(line.getMessage()), ()
    if line.exc_info:
        line.exc_text = redact("".join(traceback.format_exception(*line.exc_info)))
    return True


def _made(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _create(path: Path) -> None:
    _settle()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    temporary = path.with_name(f".{path.name}.new")
    _remove(temporary)
    create: Any = SqlAlchemyStore  # untyped
    artifacts = addresses.location(path.parent / "artifacts")
    made = create(addresses.of_file(temporary), artifacts)
    made.engine.dispose()
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
