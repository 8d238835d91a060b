"""From an experiment to trial folders: what is done, what remains."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import catalogue, store
from bench.experiment import Experiment, Trial
from bench.provenance import code, environment
from bench.tracking import record
from bench.tracking.cursor import Cursor
from bench.tracking.store import tracking_uri
from bench.training import status


@dataclass(frozen=True)
class Planned:
    """A trial and its folder in the store."""

    trial: Trial
    folder: Path

    @property
    def status(self) -> status.Status:
        return status.read(self.folder)

    @property
    def ended(self) -> bool:
        return status.over(self.folder)


def plan(experiment: Experiment) -> list[Planned]:
    """Every trial of an experiment, with its place in the store; none is begun."""
    folder = store.root() / "trials"
    return [Planned(trial, folder / trial.key) for trial in experiment.trials()]


def prepare(planned: Sequence[Planned], experiment: Experiment, plugins: Sequence[Path]) -> None:
    """Write ``trial.json`` for the trials that have not ended: what a worker needs, and provenance.

    Raises:
        UserError: the store cannot be written.
    """
    recorded = {
        "experiment": experiment.text,
        "plugins": [str(path.absolute()) for path in plugins],
        "environment": environment(),
        **code(),
    }
    for item in planned:
        if not item.ended:
            record = {
                "key": item.trial.key,
                "identity": item.trial.identity,
                "recorded": {
                    **recorded,
                    "measure": item.trial.measure,
                    "source": catalogue.source_digest(item.trial.variant),
                },
            }
            try:
                item.folder.mkdir(parents=True, exist_ok=True)
                with store.replacing(item.folder / "trial.json", "w") as file:
                    json.dump(record, file, indent=1)
            except OSError as error:
                raise store.unwritable(item.folder, error) from error


def outdated(planned: Sequence[Planned]) -> list[str]:
    """Variants with ended trials whose file has changed since: their numbers are of older code.

    Raises:
        UserError: a ``trial.json`` is damaged.
    """
    found = set()
    for item in planned:
        path = item.folder / "trial.json"
        if item.ended and path.exists():
            then = record.load(item.folder)["recorded"].get("source")
            if then != catalogue.source_digest(item.trial.variant):
                found.add(item.trial.variant)
    return sorted(found)


def settled(planned: Sequence[Planned], experiment: str, page: Path) -> bool:
    """Whether every trial has ended, MLflow has all of its journal, and ``page`` is younger."""
    uri = tracking_uri()
    return all(item.ended and _mirrored_before(item, uri, experiment, page) for item in planned)


def _mirrored_before(item: Planned, uri: str, experiment: str, page: Path) -> bool:
    cursor = Cursor(item.folder, uri, experiment)
    if not (page.exists() and cursor.path.exists()):
        return False
    whole = (item.folder / "journal.jsonl").stat().st_size == cursor.offset
    return whole and cursor.path.stat().st_mtime < page.stat().st_mtime
