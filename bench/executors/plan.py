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


Standing = Sequence[tuple[Planned, status.Status]]
"""All trials of a sweep in their order, each with its status at one moment."""


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
            digests = catalogue.digests(item.trial.algorithm)
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
    names = set()
    for item in planned:
        if item.ended and (item.folder / "trial.json").exists():
            then, name = TrialRecord.read(item.folder), item.trial.algorithm
            code = catalogue.digests(name)
            if (then.code or code) != code or then.source != next(iter(code.values())):
                names.add(name)
    return sorted(names)


def up_to_date(planned: Sequence[Planned], experiment: Experiment, results: Path) -> bool:
    """Whether nothing is left to do, as far as it can be seen without opening MLflow.

    Every trial has ended, MLflow was sent its whole event log, and the page and the tables in
    ``results`` are of exactly these trials and settings.
    """
    uri = tracking_uri()
    return all(item.ended and _sent(item, uri, experiment.name) for item in planned) and (
        _tables_are_of(planned, experiment, results)
    )


def _sent(item: Planned, uri: str, experiment: str) -> bool:
    position = SyncPosition(item.folder, uri, experiment)
    return (item.folder / "journal.jsonl").stat().st_size == position.offset


def _tables_are_of(planned: Sequence[Planned], experiment: Experiment, results: Path) -> bool:
    try:
        rows = json.loads((results / "table.json").read_text(encoding="utf-8"))["variants"]
        keys = {trial["key"] for row in rows for trial in row["trials"]}
        toml = (results / "experiment.toml").read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError):
        return False
    complete = (results / "index.html").is_file() and toml == experiment.resolved
    return complete and keys == {item.trial.key for item in planned}
