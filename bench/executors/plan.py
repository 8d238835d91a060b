"""From an experiment to trial folders: what is done, what remains."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import catalogue, paths
from bench.tracking.addresses import tracking_uri
from bench.tracking.sync_position import SyncPosition
from bench.trials import Trial, TrialRecord, status
from bench.trials.experiment import Experiment
from bench.trials.provenance import code, environment


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
    folder = paths.root() / "trials"
    return [Planned(trial, folder / trial.key) for trial in experiment.trials()]


def prepare(planned: Sequence[Planned], experiment: Experiment, plugins: Sequence[Path]) -> None:
    """Write ``trial.json`` for the trials that have not ended: what a worker needs, and provenance.

    Raises:
        UserError: the store cannot be written.
    """
    texts, made_with = catalogue.plugin_texts(plugins), {"environment": environment(), **code()}
    for item in planned:
        if not item.ended:
            digests = catalogue.digests(item.trial.variant)
            TrialRecord(
                item.trial,
                experiment=experiment.resolved,
                plugins=texts,
                source=next(iter(digests.values())),
                code=digests,
                **made_with,
            ).write(item.folder)


def outdated(planned: Sequence[Planned]) -> list[str]:
    """Variants with ended trials whose code has changed since: their numbers are of older code.

    Raises:
        UserError: a ``trial.json`` is damaged.
    """
    found = set()
    for item in planned:
        path = item.folder / "trial.json"
        if item.ended and path.exists():
            then, code = TrialRecord.read(item.folder), catalogue.digests(item.trial.variant)
            if (then.code or code) != code or then.source != next(iter(code.values())):
                found.add(item.trial.variant)
    return sorted(found)


def up_to_date(planned: Sequence[Planned], experiment: Experiment, results: Path) -> bool:
    """Whether nothing is left to do, as far as it can be seen without opening MLflow.

    Every trial has ended, MLflow was sent its whole journal, and the page and the tables in
    ``results`` are of exactly these trials and settings.
    """
    uri = tracking_uri()
    keys = {item.trial.key for item in planned}
    return (
        all(item.ended and _sent(item, uri, experiment.name) for item in planned)
        and (results / "index.html").is_file()
        and _content(results / "experiment.toml") == experiment.resolved
        and _keys(results / "table.json") == keys
    )


def _sent(item: Planned, uri: str, experiment: str) -> bool:
    position = SyncPosition(item.folder, uri, experiment)
    return (item.folder / "journal.jsonl").stat().st_size == position.offset


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _keys(table: Path) -> set[str]:
    """The keys of the trials that a ``table.json`` is made of; none where it cannot be read."""
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))["variants"]
        return {trial["key"] for row in rows for trial in row["trials"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
