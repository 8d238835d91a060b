"""Where MLflow's record lives: created once whoever races for it, opened with bounded patience."""

import contextlib
import fcntl
import logging
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import store
from bench.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

# MLflow's own defaults block one call for 247 s when a server is down. These are set only where
# the user has not set them; the backoff starts at this many seconds and doubles.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_SCHEMES = ("http://", "https://", "postgresql", "mysql", "mssql")


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI`` where it is set, else the sqlite file of the store."""
    default = store.root() / "mlflow" / "mlflow.db"
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{default}"


def shown(uri: str) -> str:
    """The URI as it may be printed: without its password."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", uri)


def database(uri: str) -> Path | None:
    """The file behind a sqlite URI; None for a server or another database.

    Raises:
        UserError: the URI names nothing that MLflow can keep a record in.
    """
    if uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///").partition("?")[0]).absolute()
    if uri.startswith(_SCHEMES):
        return None
    raise UserError(
        f"'{shown(uri)}' is not a tracking store: give http://HOST:PORT for a server, "
        "sqlite:////FOLDER/FILE.db for a file, or the postgresql:// address of a database."
    )


def artifact_root(uri: str) -> Path | None:
    """The folder of the artifacts: beside a sqlite file, in our store for a bare database.

    None for a server, which has its own.
    """
    path = database(uri)
    if path is not None:
        return path.parent / "artifacts"
    return None if uri.startswith("http") else store.root() / "mlflow" / "artifacts"


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
        with locked(path.with_name(f".{path.name}.lock")):
            if not _made(path):
                _create(path)
    except OSError as error:
        raise store.unwritable(path, error) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; the system lets go of it when a process dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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


def plain_name(name: str) -> str:
    """``name`` as one that cannot lead out of a folder; different names stay different."""
    plain = re.sub(r"[^A-Za-z0-9_=@,-]", "_", name)[:100]
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"


def client(uri: str) -> "MlflowClient":
    """A client of the store, created first where need be. Imports mlflow (some 5 s).

    Raises:
        UserError: the store cannot be created, or mlflow is not installed.
    """
    ensure(uri)
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
        raise UserError(
            f"There is no experiment '{name}' in {shown(uri)}: run it first with "
            f"`ganbench run {name}`."
        )
    return found


def experiment_id(client: "MlflowClient", uri: str, name: str) -> str:
    """The id of an MLflow experiment, which is created where it does not exist.

    Raises:
        UserError: it is in MLflow's trash.
    """
    from mlflow.exceptions import MlflowException

    root = artifact_root(uri)
    place = None if root is None else str(root / plain_name(name))
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:  # unless another process was first
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise UserError(
            f"The MLflow experiment '{name}' is in the trash of {shown(uri)}: restore it "
            f"with `mlflow experiments restore --experiment-id {found.experiment_id}`."
        )
    return str(found.experiment_id)


def _settle() -> None:
    """Set what MLflow reads while it is imported."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ.pop("MLFLOW_RUN_ID", None)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        import mlflow.store.db.utils  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"The mlflow package is missing here ({error}): training needs none of it and its "
            "records are kept; install it, or copy the store to a machine that has it, and run the "
            "same command or `ganbench publish URI` there."
        ) from error
    # One line a migration, 40 of them, on the first start of every user.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


def _made(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _create(path: Path) -> None:
    _settle()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    temporary = path.with_name(f".{path.name}.new")
    _remove(temporary)
    create: Any = SqlAlchemyStore  # untyped
    made = create(f"sqlite:///{temporary}", str(path.parent / "artifacts"))
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
