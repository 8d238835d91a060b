"""Measuring the saved generators of finished trials by metrics that were added since."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import datasets
from bench.errors import UserError
from bench.evaluation import Evaluator, suite
from bench.evaluation.declarations import Metric
from bench.tracking import experiments
from bench.tracking.addresses import tracking_uri
from bench.tracking.experiments import ExperimentRecord, trial_folder
from bench.tracking.publisher import Publisher
from bench.training import evaluation, generator
from bench.training.runtime import one_thread
from bench.trials import Trial, TrialRecord, event_log, status
from bench.variants import registry

_CHECK = "fid_heldout"
"""The metric that tells whether a generator still draws what was measured at the trial's end."""
_CLOSE = 0.01
"""Its value may differ by this share: another processor rounds in another way."""


@dataclass
class Evaluation:
    """What was added to an experiment.

    Attributes:
        added: name of a metric to the number of trials that got it.
        complete: how many trials had every metric already.
        left_out: how many finished trials could not be measured.
        unsent: why MLflow lacks some of the record, if it does.
    """

    added: Counter[str] = field(default_factory=Counter)
    complete: int = 0
    left_out: int = 0
    unsent: str | None = None

    def __str__(self) -> str:
        trials = {name: f"{n} trial{'s' * (n > 1)}" for name, n in self.added.items()}
        added = ", ".join(f"{name} ({count})" for name, count in trials.items()) or "none"
        parts = [f"Metrics added: {added}. Trials that had every metric: {self.complete}."]
        parts += [f"Trials that could not be measured: {self.left_out}."] if self.left_out else []
        return " ".join(parts)


def evaluate(name: str, plugins: Sequence[Path], report: Callable[[str], None]) -> Evaluation:
    """Measure every finished trial by each metric that it has no value of; nothing is trained.

    New values go to the trial's event log at once, and from there to MLflow. A recorded value is
    never changed, so that a second call continues where the first one was stopped.

    Args:
        name: of an experiment of this store.
        plugins: files that are loaded; of these a trial's own older text is not.
        report: receives a sentence on each trial that is measured, or cannot be.

    Raises:
        UserError: the store has no such experiment, or evaluator or data are missing.
    """
    about, outcome = experiments.read(name).about, Evaluation()
    finished = [f for f in map(trial_folder, about.keys) if status.over(f)]
    measured = [folder for folder in finished if status.read(folder).status == "done"]
    records = {folder: _loaded(folder, plugins) for folder in measured}
    if records:
        dataset = datasets.get(records[measured[0]].trial.dataset)
        dataset.ensure(report)
        evaluator = dataset.evaluator()
        about = _with_floor(about, evaluator, records[measured[0]].trial.samples)
        experiments.write(name, about)
        for folder, record in records.items():
            _supplement(folder, record.trial, evaluator, outcome, report)
    publisher = Publisher(tracking_uri(), name, about)
    if not all([publisher.connect(), *map(publisher.send, finished)]):
        outcome.unsent = publisher.problem
    return outcome


def _loaded(folder: Path, plugins: Sequence[Path]) -> TrialRecord:
    """The record of a trial, after its plug-ins, which may define its variant and data set."""
    record, given = TrialRecord.read(folder), {path.absolute() for path in plugins}
    for file, text in record.plugins.items():
        if Path(file) not in given:
            registry.load_plugin(Path(file), text)
    return record


def _with_floor(about: ExperimentRecord, evaluator: Evaluator, n: int) -> ExperimentRecord:
    """With what real samples get by the metrics that are new."""
    values = evaluator.floor(n, final=True).items() if about.floor else ()
    new = {name: float(value) for name, value in values if not isinstance(value, str)}
    return replace(about, floor={**new, **about.floor})


def _supplement(
    folder: Path,
    trial: Trial,
    evaluator: Evaluator,
    outcome: Evaluation,
    report: Callable[[str], None],
) -> None:
    try:
        with status.owning(folder) as mine:
            if not mine:
                raise UserError("Another process works on it: run this command again later.")
            added = _measured(folder, trial, evaluator, report)
    except UserError as error:
        outcome.left_out += 1
        report(f"{trial.title} is not measured. {error}")
        return
    outcome.added.update(added)
    outcome.complete += not added
    if added:
        report(f"{trial.title} now has {', '.join(added)}.")


def _measured(
    folder: Path, trial: Trial, evaluator: Evaluator, report: Callable[[str], None]
) -> list[str]:
    """Add what a trial lacks to its event log: the names of the metrics that got values."""
    recorded = _recorded(folder)
    labels = generator.build(trial).labels(trial.samples)
    lacking = _lacking(recorded, evaluator.defined(trial.samples, given=labels is not None))
    if not lacking:
        return []
    _require(trial, evaluator)
    names = {_CHECK, *(metric.name for metric in lacking.values())}
    with one_thread():
        samples = evaluation.samples(generator.restored(folder, trial), trial)
        chosen = suite.named(names)
        measured = evaluator.score(samples, final=True, metrics=chosen, labels=labels)
    _require_same(recorded.get(f"final/{_CHECK}"), measured.numbers[_CHECK], trial)
    for name in measured.omitted.keys() & lacking:
        report(f"{trial.title} gets no {name}, because it {measured.omitted[name]}.")
    numbers = {f"final/{name}": value for name, value in measured.numbers.items()}
    numbers |= {f"noise/{name}": value for name, value in measured.noise.items()}
    texts = {f"ganbench.{name}": text for name, text in measured.texts.items()}
    numbers = {name: value for name, value in numbers.items() if name not in recorded}
    texts = {name: text for name, text in texts.items() if name not in recorded}
    if numbers or texts:
        event_log.EventLog(folder).supplement(numbers, texts)
    return [name for name in lacking if name not in measured.omitted]


def _lacking(recorded: Mapping[str, float | str], defined: dict[str, Metric]) -> dict[str, Metric]:
    """Those of the metrics, by the names of their values, that a trial has no value of."""
    return {
        name: metric
        for name, metric in defined.items()
        if not recorded.keys() & {f"final/{name}", f"ganbench.{name}", f"final/{name}/0"}
    }


def _recorded(folder: Path) -> dict[str, float | str]:
    """Every number and every tag of a trial by its name."""
    recorded: dict[str, float | str] = {}
    for entry, _ in event_log.read(folder / "journal.jsonl"):
        recorded |= entry.get("metrics", {}) | entry.get("tags", {})
    return recorded


def _require(trial: Trial, evaluator: Evaluator) -> None:
    """Raises:
    UserError: the trial was measured by another evaluator, or against other data.
    """
    dataset = evaluator.extractor.dataset
    for kind, then, now in (
        ("evaluator", trial.evaluator, evaluator.id),
        (f"content of {dataset.name}", trial.digest, dataset.digest),
    ):
        if then != now:
            raise UserError(
                f"The {kind} was {then} when it was trained and is {now} now: run the experiment "
                "again, which trains it under the one of now."
            )


def _require_same(then: float | str | None, now: float, trial: Trial) -> None:
    """Raises:
    UserError: the generator does not draw what was measured at the end of the trial.
    """
    if isinstance(then, float) and not math.isclose(then, now, rel_tol=_CLOSE):
        raise UserError(
            f"Its generator gets {_CHECK} = {now:.6g}, and its record says {then:.6g}: the code of "
            f"'{trial.variant}' has changed, so bring back the code that it was trained with."
        )
