"""From an experiment to trial folders: what is done, what remains."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import catalogue, paths
from bench.errors import UserError
from bench.tracking.addresses import tracking_uri
from bench.tracking.sync_position import SyncPosition
from bench.trials import Trial, TrialRecord, event_log, phases, search, status
from bench.trials.experiment import Experiment
from bench.trials.phases import Place
from bench.trials.provenance import code, environment


@dataclass(frozen=True)
class Planned:
    """A trial and its folder in the store."""

    trial: Trial
    folder: Path
    place: Place | None = None
    """In an experiment with a search."""

    @property
    def phase(self) -> str:
        """``search`` or ``final``; empty in an experiment without a search."""
        return self.place.phase if self.place else ""

    @property
    def row(self) -> str:
        """The row of the experiment file: trials of one row cost about the same."""
        return self.place.row if self.place else self.trial.variant

    @property
    def status(self) -> status.Status:
        return status.read(self.folder)

    @property
    def ended(self) -> bool:
        return status.over(self.folder)


Standing = Sequence[tuple[Planned, status.Status]]
"""All trials of a sweep in their order, each with its status at one moment."""


def plan(experiment: Experiment) -> list[Planned]:
    """Every trial of an experiment, with its folder in the store; none is begun.

    Those of a search come first. The tuned rows are missing until all of them have ended.

    Raises:
        UserError: a trial or the search is not in order.
    """
    folder = paths.root() / "trials"
    if experiment.search is None:
        return [Planned(trial, folder / trial.key) for trial in experiment.trials()]
    tried = [
        Planned(trial, folder / trial.key, place)
        for trial, place in phases.search_trials(experiment, experiment.search)
    ]
    trials = phases.final_trials(experiment, experiment.search, chosen(tried))
    return [*tried, *(Planned(trial, folder / trial.key, place) for trial, place in trials)]


def chosen(planned: Sequence[Planned]) -> dict[str, int]:
    """Row to its best setting by held-out FID; empty until all trials of the search have ended.

    Raises:
        UserError: a trial was not measured by it.
    """
    tried = [item for item in planned if item.phase == "search"]
    if not all(item.ended for item in tried):
        return {}
    values: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for item in tried:
        if item.place and item.place.setting is not None:
            values[item.place.row][item.place.setting].append(_heldout_fid(item))
    return {row: search.best(settings) for row, settings in values.items()}


def _heldout_fid(item: Planned) -> float:
    """At the end of the budget; inf for a trial that diverged."""
    if item.status.status == "diverged":
        return math.inf
    value = None
    for entry, _ in event_log.read(item.folder / "journal.jsonl"):
        value = entry.get("metrics", {}).get(search.CHOSEN_BY, value)
    if value is None:
        raise UserError(
            f"{item.trial.title} has no held-out FID, by which a search chooses: use a data set "
            "whose evaluator measures fid_heldout."
        )
    return float(value)


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
    return complete and keys == {item.trial.key for item in planned if item.phase != "search"}
