"""What the records of one experiment say: which runs count, which are left out, and why."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.analysis.selection import COUNTED, counted_runs, of_plan, of_protocol
from bench.errors import UserError, unknown
from bench.evaluation.identity import current
from bench.tracking.pictures import LOGGED
from bench.tracking.reading import Experiment, RecordStore, Run
from bench.tracking.record import command_of, how_to_run
from bench.tracking.views import planned_keys

_KIND = "ganbench.kind"
"""The tag of a run that is no trial: the one that holds the page of an earlier comparison."""
_SECTIONS = ("final/", "best/", "cost/", "noise/")
ROW = "trial/row"


@dataclass(frozen=True)
class Records:
    """Everything that the table needs of one experiment.

    Attributes:
        trials: those that are done or diverged, by row and seed; the index is the run id. Columns
            are ``variant``, ``seed`` and ``status``, every other parameter as text, what was
            measured as ``final/fid``, ``best/fid``, ``cost/seconds``, ``noise/fid`` (of a diverged
            trial the cost only), and ``trial/row`` (the table row it belongs to: the variant, with
            what sets it apart where one variant was run in several configurations),
            ``trial/key``, ``trial/reason``, ``trial/missing`` (the classes that its last generator
            does not cover: "none", "4 9"), ``trial/commit``, ``trial/pictures``.
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
    trials: pd.DataFrame
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
        return sorted(set(self.trials[ROW]))

    @property
    def split(self) -> str:
        """The split that is the reference, the last part of the measure's name."""
        return self.measure.rpartition("/")[2] or "test"

    def parameter(self, name: str, default: str = "?") -> str:
        """A parameter of the first trial."""
        return parameters(self.trials)[0].get(name, default)


def parameters(trials: pd.DataFrame) -> list[dict[str, str]]:
    """What each trial was given, by name, as MLflow keeps it: as text."""
    names = sorted(c for c in trials.columns if "/" not in c and c != "status")
    records: list[dict[str, str]] = [
        {str(name): str(value) for name, value in trial.items() if pd.notna(value)}
        for trial in trials[names].to_dict("records")
    ]
    return records


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
        trials=trials,
        notes=(*notes, *more, *_versions(counted, trials)),
        evaluator=_one_evaluator(counted),
        measure=experiment.tags.get("ganbench.measure") or newest.tags.get("ganbench.measure", ""),
        protocol=protocol,
        floor=_floor(experiment.tags.get("ganbench.floor"), counted[0].params.get("samples")),
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
    counts = ", ".join(f"{count} {status}" for status, count in sorted(states.items())) or "none"
    return UserError(
        f"No run of '{name}' is finished yet (runs by status: {counts}): let `{command}` finish "
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


def _trials(runs: list[Run]) -> pd.DataFrame:
    names = _row_names(runs)
    return frame(_trial(run) | {ROW: names[run.run_id]} for run in runs)


def frame(trials: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Trials as `Records` holds them, each given by its columns and its ``run_id``."""
    return pd.DataFrame(trials).set_index("run_id").sort_values([ROW, "seed"], kind="stable")


def _trial(run: Run) -> dict[str, Any]:
    tags = run.tags
    measured = _SECTIONS if run.status == "done" else ("cost/",)
    own = {"variant": run.params["variant"], "seed": int(run.params["seed"]), "status": run.status}
    return {
        "run_id": run.run_id,
        **own,
        **{name: value for name, value in run.params.items() if name not in own},
        **{n: run.metrics[n] for s in measured for n in run.metrics if n.startswith(s)},
        "trial/key": tags.get("ganbench.key", ""),
        "trial/reason": tags.get("ganbench.reason", ""),
        "trial/missing": tags.get("ganbench.missing", "") if run.status == "done" else "",
        "trial/commit": _commit(tags),
        "trial/pictures": tags.get(LOGGED) == "True",
    }


def _commit(tags: Mapping[str, str]) -> str:
    """The commit of its code, or why there is none."""
    reason = tags.get("ganbench.no_commit", "")
    return tags.get("mlflow.source.git.commit") or (f"none ({reason})" if reason else "")


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
            settings = ", ".join(f"{key}={run.params.get(key, 'unset')}" for key in apart)
            names[run.run_id] = f"{variant} ({settings})" if settings else variant
    return names


def _versions(runs: list[Run], trials: pd.DataFrame) -> list[str]:
    """A note for each row whose trials were trained by different versions of the variant's code."""
    notes = []
    for row, members in trials.groupby(ROW):
        tags = [run.tags for run in runs if run.run_id in members.index]
        sources = {of_run.get("ganbench.source", "") for of_run in tags}
        # Records of an older ganbench know of the one file only.
        codes = {of_run["ganbench.code"] for of_run in tags if "ganbench.code" in of_run}
        if (versions := max(len(sources), len(codes))) > 1:
            notes.append(f"The trials of {row} come from {versions} versions of its code.")
    return notes
