"""The one way into MLflow: clients that give up in seconds, runs as plain values, plain errors."""

import contextlib
import errno
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import paths, settings
from bench.errors import UserError
from bench.evaluation.identity import current
from bench.redaction import reason, redact
from bench.tracking import addresses, database
from bench.tracking.record import how_to_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_ATTEMPTS = 3
"""How often MLflow tries to open a database; its own ten take two minutes."""


@dataclass(frozen=True)
class Run:
    """One run that is not deleted."""

    run_id: str
    name: str
    status: str  # of the trial; MLflow's own word for it where no tag says it
    start_time: int  # ms since 1970
    artifact_uri: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]  # the newest value of each, by the name that it has today
    stored: dict[str, str]  # of each metric, the name that MLflow has for it


class StoreError(UserError):
    """The store is absent, slow or broken, as far as MLflow tells."""


@contextlib.contextmanager
def explained(uri: str, sentence: str) -> Iterator[None]:
    """Let what MLflow raises end in one sentence, about ``{store}`` and its ``{reason}``.

    Raises:
        StoreError: the block raised anything but a `UserError`.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # errors of requests, sqlalchemy, boto: MLflow lets all out
        text = sentence.format(store=redact(uri), reason=reason(error, uri))
        raise StoreError(text) from error


def writer(uri: str) -> "MlflowClient":
    """A client of the store, created first where need be. Imports mlflow (some 5 s).

    Raises:
        UserError: the store cannot be written, or mlflow is not installed.
    """
    ensure(uri)
    path = addresses.file_of(uri)
    if path is not None:
        if not database.writable(path):
            raise paths.unwritable(path, OSError(errno.EROFS, os.strerror(errno.EROFS)))
        database.relocate(path, path.parent / "artifacts")
    return _opened(uri)


def reader(uri: str) -> "MlflowClient":
    """A client that only reads. Imports mlflow (some 5 s).

    Raises:
        UserError: there is no such store, or mlflow is not installed.
    """
    return _opened(database.readable(uri))


def ensure(uri: str) -> None:
    """Create a sqlite store unless it is there; for a server there is nothing to do.

    Raises:
        UserError: the folder cannot be written, or the URI is no tracking store.
    """
    path = addresses.file_of(uri)
    if path is not None:
        database.ensure(path, _build)


def _build(path: Path) -> None:
    _prepare()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    create: Any = SqlAlchemyStore  # untyped
    create(addresses.of_file(path), addresses.location(path.parent / "artifacts")).engine.dispose()


def _opened(uri: str) -> "MlflowClient":
    _prepare()
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


def _prepare() -> None:
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
            f"The mlflow package is missing here ({error}). Training works without it, and all "
            "records are kept. Install it and run the same command again, or copy the store to a "
            "machine that has it and run `ganbench publish URI` there."
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


def every(search: Callable[..., Any], *args: Any, **named: Any) -> Iterator[Any]:
    """All that a search of MLflow's client finds, page by page."""
    page = search(*args, **named)
    yield from page
    while page.token:
        page = search(*args, **named, page_token=page.token)
        yield from page


def runs(client: "MlflowClient", experiment_id: str, condition: str = "") -> list[Run]:
    """The runs that meet a condition of MLflow's search, oldest first."""
    pages = every(client.search_runs, [experiment_id], condition)
    return sorted(map(as_run, pages), key=lambda run: (run.start_time, run.run_id))


def as_run(run: Any) -> Run:
    """A run of MLflow as plain values."""
    info, data = run.info, run.data
    words = {"FINISHED": "done", "KILLED": "interrupted"}
    status = data.tags.get("ganbench.status") or words.get(info.status, info.status.lower())
    about = (info.run_id, info.run_name, status, info.start_time, info.artifact_uri)
    stored = {current(name): name for name in data.metrics}
    metrics = {name: data.metrics[old] for name, old in stored.items()}
    return Run(*about, data.params, data.tags, metrics, stored)


def recorded(client: "MlflowClient", uri: str, name: str) -> "Experiment":
    """The MLflow experiment of that name; a `UserError` where there is none."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        raise UserError(f"There is no experiment '{name}' in {redact(uri)}: {how_to_run(name)}.")
    return experiment


def experiment_id(client: "MlflowClient", uri: str, name: str) -> str:
    """The id of an MLflow experiment, which is created where it does not exist.

    One that is in MLflow's trash is restored, which is said on stderr: a name is taken for good, so
    its records can be written nowhere else.
    """
    from mlflow.exceptions import MlflowException

    root = addresses.artifact_root(uri)
    place = None if root is None else addresses.location(root / paths.safe_filename(name))
    if client.get_experiment_by_name(name) is None:
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:  # unless another process was first
            if client.get_experiment_by_name(name) is None:
                raise
    experiment = recorded(client, uri, name)
    if experiment.lifecycle_stage != "active":
        client.restore_experiment(experiment.experiment_id)
        print(
            f"The MLflow experiment '{name}' was in the trash. It is restored, because its records "
            "are written again.",
            file=sys.stderr,
        )
    return str(experiment.experiment_id)
