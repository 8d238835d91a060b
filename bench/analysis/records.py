"""What the records of one experiment say: which runs count, which are left out, and why."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bench.analysis import search
from bench.errors import UserError, unknown
from bench.evaluation.identity import SAMPLES, current
from bench.tracking.pictures import LOGGED
from bench.tracking.reading import Experiment, RecordStore, Run
from bench.tracking.record import command_of, how_to_run
from bench.tracking.views import planned_keys

ROW, SEARCHED = "trial/row", "trial/searched"
_COUNTED = ("done", "diverged")
_KIND = "ganbench.kind"
"""The tag of a run that is no trial: the one that holds the page of an earlier analysis."""
_MEASURED = ("final/", "best/", "cost/", "noise/")


@dataclass(frozen=True, eq=False)
class Records:
    """Everything that the analysis needs of one experiment.

    Attributes:
        trials: a row a trial that is done or diverged, as `bench.load_results` gives it, but every
            parameter except the seed is text, as in MLflow.
        notes: what was left out or is worth knowing, one sentence each.
        floor: metric to the value that real data gets at the trials' own n; empty when none was
            recorded.
        calibration: rows {"row": name, "n": images, metric: value}.
        toml: the experiment as it was last run, options included.
        command: what a user types to run it; ``seeds_option`` is left out.
        seeds_option: the value of ``--seeds``; empty where the file's own seeds were run.
        description: the file's own words.
        newest: the run id of the newest trial that counts.
        control: the row that every other is compared with; empty for all pairs.
        search: the settings that were tried, as `bench.analysis.search.frame` gives them; their
            trials are none of ``trials``.
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
    control: str = ""
    search: pd.DataFrame = field(default_factory=pd.DataFrame)

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
    names = sorted(name for name in trials.columns if "/" not in name and name != "status")
    return [
        {str(name): str(value) for name, value in trial.items() if pd.notna(value)}
        for trial in trials[names].to_dict("records")
    ]


def shared(trials: pd.DataFrame) -> dict[str, str]:
    """The parameters, without the seed, that all of the trials have in common, by name."""
    params = pd.DataFrame(parameters(trials)).drop(columns="seed")
    common = params.loc[:, params.nunique(dropna=False) == 1]
    return {str(name): str(value) for name, value in sorted(common.iloc[0].dropna().items())}


def frame(trials: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Trials as `Records` holds them, each given by its columns and its ``run_id``."""
    return pd.DataFrame(trials).set_index("run_id").sort_values([ROW, "seed"], kind="stable")


def read(store: RecordStore, name: str, *, every: bool = False) -> Records:
    """The records of the experiment called ``name``.

    Args:
        every: also the runs under the current protocol that earlier commands made, with other
            variants, seeds or settings than the last one.

    Raises:
        UserError: no such experiment, no finished run in it yet, or runs of two evaluators.
    """
    experiment = _experiment(store, name)
    tags = experiment.tags
    # Records of older versions hold no command; their options stand in the name.
    command = tags.get("ganbench.command") or command_of(name)
    seeds_option = tags.get("ganbench.seeds", "")
    whole = f"{command} --seeds {seeds_option}" if seeds_option else command
    runs = [run for run in experiment.runs if _KIND not in run.tags]
    keys, (tried, runs) = planned_keys(tags), search.parted(runs)
    tried, _ = _newest([run for run in tried if run.tags.get("ganbench.key") in keys])
    protocol, runs, notes = _of_protocol(runs, tags.get("ganbench.protocol"))
    if not every:
        runs, more = _of_plan(runs, keys - {run.tags["ganbench.key"] for run in tried}, whole)
        notes += more
    counted, more = _newest(runs)
    if not counted:
        raise _nothing_finished(name, runs, whole)
    newest = max(counted, key=lambda run: run.start_time)
    trials = _trials(counted)
    control, without = _control(trials, tags.get("ganbench.control", ""))
    return Records(
        experiment=name,
        experiment_id=experiment.experiment_id,
        trials=trials,
        notes=(*notes, *more, *_versions(counted), *without),
        evaluator=_evaluator(counted),
        measure=tags.get("ganbench.measure") or newest.tags.get("ganbench.measure", ""),
        protocol=protocol,
        floor=_floor(tags.get("ganbench.floor", "{}"), counted[0].params.get("samples")),
        calibration=tuple(map(_named_as_now, json.loads(tags.get("ganbench.calibration", "[]")))),
        toml=tags.get("ganbench.toml", ""),
        command=command,
        seeds_option=seeds_option,
        description=tags.get("ganbench.description", ""),
        control=control,
        search=search.frame(tried),
        newest=newest.run_id,
    )


def finished_keys(store: RecordStore, name: str) -> set[str]:
    """The keys of the trials that the experiment called ``name`` has a finished run of.

    Raises:
        UserError: no such experiment.
    """
    runs = _experiment(store, name).runs
    return {run.tags.get("ganbench.key", "") for run in runs if run.status in _COUNTED}


def _experiment(store: RecordStore, name: str) -> Experiment:
    if experiment := store.experiment(name):
        return experiment
    names, make = store.names(), f"To make it, {how_to_run(name)}."
    if names:
        raise UserError(f"{unknown('recorded experiment', name, names)} {make}")
    raise UserError(f"The store {store.uri} holds no experiment '{name}' nor any other. {make}")


def _of_protocol(runs: list[Run], current: str | None) -> tuple[str, list[Run], list[str]]:
    """The runs under the current protocol; the newest run's when the experiment names none."""
    protocol = current or (runs[-1].tags.get("ganbench.protocol", "") if runs else "")
    counted = [run for run in runs if run.tags.get("ganbench.protocol", "") == protocol]
    others = len(runs) - len(counted)
    were = f"{others} runs were" if others > 1 else "1 run was"
    note = f"{were} made under another protocol and left out (the current one is {protocol})."
    return protocol, counted, [note] * bool(others)


def _of_plan(runs: list[Run], keys: set[str], command: str) -> tuple[list[Run], list[str]]:
    """The runs of the experiment as it was last run; all where no record says which those are."""
    planned = [run for run in runs if not keys or run.tags.get("ganbench.key") in keys]
    others = len(runs) - len(planned)
    were = f"{others} runs are" if others > 1 else "1 run is"
    note = (
        f"{were} left out: they have other variants, seeds or settings than `{command}` asked for."
    )
    absent = len(keys - {run.tags.get("ganbench.key") for run in planned})
    lost = (
        f"{absent} of {len(keys)} trials have no run in MLflow yet: `{command}` trains or sends "
        "what is missing."
    )
    return planned, [note] * bool(others) + [lost] * bool(absent)


def _newest(runs: list[Run]) -> tuple[list[Run], list[str]]:
    """The newest finished run of each key, and a note on every other."""
    finished = [run for run in runs if run.status in _COUNTED]
    newest = {run.tags.get("ganbench.key", run.run_id): run for run in finished}
    last = {run.tags.get("ganbench.key", run.run_id): run for run in runs}
    waiting = Counter(run.status for key, run in last.items() if key not in newest)
    notes = []
    if again := len(finished) - len(newest):
        left_out = f"{again} finished runs are" if again > 1 else "1 finished run is"
        notes.append(f"{left_out} left out: of each trial the newest run counts.")
    if waiting:
        notes.append(f"Not counted because they have no result: {_counts(waiting)}.")
    return list(newest.values()), notes


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(states.items()))


def _nothing_finished(name: str, runs: list[Run], command: str) -> UserError:
    states = _counts(Counter(run.status for run in runs)) or "none"
    return UserError(
        f"No run of '{name}' is finished yet (runs by status: {states}): let `{command}` finish "
        "at least one trial, then ask for the table again."
    )


def _control(trials: pd.DataFrame, name: str) -> tuple[str, list[str]]:
    """The row of the control; none, and a note, where no trial of it has a result."""
    if not name or name in set(trials[ROW]):
        return name, []
    return "", [f"No row is the control {name}, so there is no comparison with it."]


def _evaluator(runs: Iterable[Run]) -> str:
    evaluators = sorted({run.tags.get("ganbench.ruler", "unknown") for run in runs})
    if len(evaluators) > 1:
        raise UserError(
            f"These runs have different evaluators ({' and '.join(evaluators)}), so their "
            "numbers cannot stand in one table: run the experiment again under one evaluator."
        )
    return evaluators[0]


def _floor(tag: str, samples: str | None) -> dict[str, float]:
    """What real data gets, if it was measured at ``samples``: a floor belongs to its n.

    A floor that names no n is an older record's, and those were all at the default.
    """
    floor: dict[str, float] = json.loads(tag)
    n = floor.pop("n", SAMPLES)
    return _named_as_now(floor) if samples in (None, str(n)) else {}


def _named_as_now(values: Mapping[str, Any]) -> dict[str, Any]:
    return {current(name): value for name, value in values.items()}


def _trials(runs: list[Run]) -> pd.DataFrame:
    names = _row_names(runs)
    return frame(_trial(run) | {ROW: names[run.run_id]} for run in runs)


def _trial(run: Run) -> dict[str, Any]:
    tags, done = run.tags, run.status == "done"
    commit, no_commit = tags.get("mlflow.source.git.commit"), tags.get("ganbench.no_commit", "")
    about = {"variant": run.params["variant"], "seed": int(run.params["seed"])}
    sections = _MEASURED if done else ("cost/",)
    return {
        "run_id": run.run_id,
        **about,
        "status": run.status,
        **{n: value for n, value in run.params.items() if n not in (*about, *search.PLACE)},
        **{name: value for name, value in run.metrics.items() if name.startswith(sections)},
        "trial/key": tags.get("ganbench.key", ""),
        "trial/reason": tags.get("ganbench.reason", ""),
        "trial/missing": tags.get("ganbench.missing", "") if done else "",
        "trial/commit": commit or (f"none ({no_commit})" if no_commit else ""),
        **({SEARCHED: run.params["searched"]} if "searched" in run.params else {}),
        "trial/pictures": tags.get(LOGGED) == "True",
    }


def _row_names(runs: list[Run]) -> dict[str, str]:
    """Run id to row: the variant, plus the parameters in which its own runs differ."""
    params = pd.DataFrame({run.run_id: run.params for run in runs}).T.drop(columns="seed")
    names = {}
    for variant, own in params.fillna("unset").groupby("variant"):
        varied = sorted(own.columns[own.nunique() > 1])
        for run_id, values in own[varied].iterrows():
            settings = ", ".join(f"{name}={value}" for name, value in values.items())
            names[str(run_id)] = f"{variant} ({settings})" if settings else str(variant)
    return names


def _versions(runs: list[Run]) -> list[str]:
    """A note for each row whose trials were trained by different versions of the variant's code."""
    tags = pd.DataFrame({run.run_id: run.tags for run in runs}).T.groupby(_row_names(runs))
    # Records of an older ganbench know of the one file only.
    versions = {
        row: max(own.reindex(columns=["ganbench.source", "ganbench.code"]).nunique())
        for row, own in tags
    }
    return [
        f"The trials of {row} come from {count} versions of its code."
        for row, count in versions.items()
        if count > 1
    ]
