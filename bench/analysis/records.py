"""What the records of one experiment say: which runs count, which are left out, and why."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bench.analysis.selection import COUNTED, counted_runs, of_plan, of_protocol
from bench.errors import UserError, unknown
from bench.evaluation.identity import current
from bench.tracking.reading import Experiment, RecordStore, Run
from bench.tracking.record import command_of, how_to_run
from bench.tracking.views import planned_keys

_KIND = "ganbench.kind"
"""The tag of a run that is no trial: the one that holds the page of an earlier comparison."""
_SECTIONS = {"final": "final/", "best": "best/", "cost": "cost/", "noise": "noise/"}


@dataclass(frozen=True)
class Trial:
    """One MLflow run that counts.

    Attributes:
        row: the table row it belongs to: its variant, with what sets it apart where one variant
            was run in several configurations.
        final, best, cost: metric name without its prefix to value; empty for a diverged trial.
        noise: the same for its standard deviation over sets of samples from the last network.
        missing: the digits that its last generator does not cover, as the tag says ("none", "4 9").
    """

    run_id: str
    key: str
    row: str
    variant: str
    seed: int
    status: str
    reason: str
    missing: str
    params: dict[str, str]
    tags: dict[str, str]
    final: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        return self.status == "diverged"


@dataclass(frozen=True)
class Records:
    """Everything that the table needs of one experiment.

    Attributes:
        trials: done and diverged, by row and seed.
        notes: what was left out or is worth knowing, one sentence each.
        floor: metric to the value that real images get at the trials' own n; empty when none was
            recorded.
        calibration: rows {"row": name, "n": images, metric: value}.
        toml: the experiment as it was last run, options included.
        command: what a user types to run it; ``seeds_option`` is left out.
        seeds_option: the value of ``--seeds``; empty where the file's own seeds were run.
        description: the file's own words.
        newest: the run id of the newest trial that counts.
    """

    experiment: str
    experiment_id: str
    trials: tuple[Trial, ...]
    notes: tuple[str, ...]
    evaluator: str
    measure: str
    protocol: str
    floor: dict[str, float]
    calibration: tuple[dict[str, Any], ...]
    toml: str
    command: str
    seeds_option: str
    description: str
    newest: str

    @property
    def rows(self) -> list[str]:
        return sorted({trial.row for trial in self.trials})

    @property
    def split(self) -> str:
        """The split that is the reference, the last part of the measure's name."""
        return self.measure.rpartition("/")[2] or "test"

    def of(self, row: str) -> list[Trial]:
        """The trials of one row, by seed."""
        return [trial for trial in self.trials if trial.row == row]


def read(store: RecordStore, name: str, *, every: bool = False) -> Records:
    """The records of the experiment called ``name``.

    Args:
        every: also the runs under the current protocol that earlier commands made, with other
            variants, seeds or settings than the last one.

    Raises:
        UserError: no such experiment, no finished run in it yet, or runs of two evaluators.
    """
    experiment = _experiment(store, name)
    # Records of older versions hold no command; their options stand in the name.
    command = experiment.tags.get("ganbench.command") or command_of(name)
    seeds_option = experiment.tags.get("ganbench.seeds", "")
    whole = f"{command} --seeds {seeds_option}" if seeds_option else command
    runs = [run for run in experiment.runs if _KIND not in run.tags]
    protocol, mine, notes = of_protocol(runs, experiment.tags.get("ganbench.protocol"))
    if not every:
        mine, more = of_plan(mine, planned_keys(experiment.tags), whole)
        notes += more
    counted, more = counted_runs(mine)
    if not counted:
        raise _nothing_finished(name, mine, whole)
    trials = _trials(counted)
    newest = max(counted, key=lambda run: run.start_time)
    return Records(
        experiment=name,
        experiment_id=experiment.experiment_id,
        trials=tuple(trials),
        notes=(*notes, *more, *_versions(trials)),
        evaluator=_one_evaluator(counted),
        measure=experiment.tags.get("ganbench.measure") or newest.tags.get("ganbench.measure", ""),
        protocol=protocol,
        floor=_floor(experiment.tags.get("ganbench.floor"), trials[0].params.get("samples")),
        calibration=_calibration(experiment.tags.get("ganbench.calibration")),
        toml=experiment.tags.get("ganbench.toml", ""),
        command=command,
        seeds_option=seeds_option,
        description=experiment.tags.get("ganbench.description", ""),
        newest=newest.run_id,
    )


def finished_keys(store: RecordStore, name: str) -> set[str]:
    """The keys of the trials that the experiment called ``name`` has a finished run of.

    Raises:
        UserError: no such experiment.
    """
    runs = _experiment(store, name).runs
    return {run.tags.get("ganbench.key", "") for run in runs if run.status in COUNTED}


def _experiment(store: RecordStore, name: str) -> Experiment:
    experiment = store.experiment(name)
    if experiment is None:
        raise _no_experiment(name, store)
    return experiment


def _floor(tag: str | None, samples: str | None) -> dict[str, float]:
    """What real images get, if it was measured at ``samples``: a floor belongs to its n.

    A floor that names no n is an older record's, and those were all at 10,000.
    """
    floor: dict[str, float] = json.loads(tag or "{}")
    n = floor.pop("n", 10_000)
    floor = {current(name): value for name, value in floor.items()}
    return floor if samples in (None, str(n)) else {}


def _calibration(tag: str | None) -> tuple[dict[str, Any], ...]:
    return tuple(
        {current(name): value for name, value in row.items()} for row in json.loads(tag or "[]")
    )


def _no_experiment(name: str, store: RecordStore) -> UserError:
    names = store.names()
    make = f"To make it, {how_to_run(name)}"
    if not names:
        return UserError(
            f"The store {store.uri} holds no experiment '{name}' nor any other. {make}."
        )
    return UserError(f"{unknown('recorded experiment', name, names)} {make}.")


def _nothing_finished(name: str, runs: list[Run], command: str) -> UserError:
    states = Counter(run.status for run in runs)
    told = ", ".join(f"{count} {status}" for status, count in sorted(states.items())) or "none"
    return UserError(
        f"No run of '{name}' is finished yet (runs by status: {told}): let `{command}` finish "
        "at least one trial, then ask for the table again."
    )


def _one_evaluator(runs: Iterable[Run]) -> str:
    evaluators = sorted({run.tags.get("ganbench.ruler", "unknown") for run in runs})
    if len(evaluators) > 1:
        raise UserError(
            f"These runs have different evaluators ({' and '.join(evaluators)}), so their "
            "numbers cannot stand in one table: run the experiment again under one evaluator."
        )
    return evaluators[0]


def _trials(runs: list[Run]) -> list[Trial]:
    names = _row_names(runs)
    trials = [_trial(run, names[run.run_id]) for run in runs]
    return sorted(trials, key=lambda trial: (trial.row, trial.seed))


def _trial(run: Run, row: str) -> Trial:
    tags, status = run.tags, run.status
    values = {
        section: {
            name.removeprefix(prefix): value
            for name, value in run.metrics.items()
            if name.startswith(prefix) and (status == "done" or section == "cost")
        }
        for section, prefix in _SECTIONS.items()
    }
    return Trial(
        run_id=run.run_id,
        key=tags.get("ganbench.key", ""),
        row=row,
        variant=run.params["variant"],
        seed=int(run.params["seed"]),
        status=status,
        reason=tags.get("ganbench.reason", ""),
        missing=tags.get("ganbench.missing", "") if status == "done" else "",
        params=dict(run.params),
        tags=dict(tags),
        **values,
    )


def _row_names(runs: list[Run]) -> dict[str, str]:
    """Run id to row: the variant, plus the parameters in which its own runs differ."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.params["variant"], []).append(run)
    names = {}
    for variant, members in groups.items():
        keys = sorted({key for run in members for key in run.params} - {"seed"})
        apart = [key for key in keys if len({run.params.get(key) for run in members}) > 1]
        for run in members:
            told = ", ".join(f"{key}={run.params.get(key, 'unset')}" for key in apart)
            names[run.run_id] = f"{variant} ({told})" if told else variant
    return names


def _versions(trials: list[Trial]) -> list[str]:
    """A note for each row whose trials were trained by different versions of the variant's code."""
    notes = []
    for row in sorted({trial.row for trial in trials}):
        tags = [trial.tags for trial in trials if trial.row == row]
        sources = {of_trial.get("ganbench.source", "") for of_trial in tags}
        # Records of an older ganbench know of the one file only.
        codes = {of_trial["ganbench.code"] for of_trial in tags if "ganbench.code" in of_trial}
        if (versions := max(len(sources), len(codes))) > 1:
            notes.append(f"The trials of {row} come from {versions} versions of its code.")
    return notes
