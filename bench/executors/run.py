"""A whole sweep: plan, train what remains, mirror it, and say how it ended."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench import datasets, paths
from bench.evaluation import calibration
from bench.evaluation.identity import SAMPLES
from bench.executors import Executor
from bench.executors.display import view
from bench.executors.executors import EXECUTORS
from bench.executors.monitor import Mirror, ProgressMonitor
from bench.executors.plan import Planned, plan, prepare
from bench.tracking import addresses, experiments
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.training import checkpoint, runtime
from bench.trials import status
from bench.trials.experiment import Experiment, Trial
from bench.trials.status import Status

_PATIENCE_SECONDS = 9.0
"""After this long, what is still going on when a sweep is stopped is ended at once."""
_TERMINAL_BACK = b"\x1b[?25h\n"
"""Shows the cursor, which the live table hides, and leaves the table's last line."""


@dataclass(frozen=True)
class Ended:
    """A trial and how it stood when the sweep ended."""

    trial: Trial
    status: Status


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended."""

    trials: Sequence[Ended]
    signal: int | None
    """The signal that stopped it, if one did."""
    unsent: str | None
    """Why MLflow lacks some of the record, if it does."""

    def of(self, *states: str) -> list[Ended]:
        return [item for item in self.trials if item.status.status in states]


@dataclass(frozen=True)
class Resources:
    """Who trains: which executor, and how many trials side by side."""

    executor: Executor
    workers: int


def sweep(
    experiment: Experiment, plugins: Sequence[Path], resources: Resources, console: Console
) -> Outcome:
    """Train every trial of the experiment that has not ended, and mirror all of them to MLflow.

    Raises:
        UserError: data, evaluator or store are not in order. A trial that fails raises nothing; its
            status says why.
    """
    planned = plan(experiment)
    if resources.executor != "ray":  # which trains elsewhere
        runtime.require(experiment.precision, experiment.device)
    uri = addresses.tracking_uri()
    addresses.file_of(uri)  # what is no tracking store is refused before hours of training
    paths.check(paths.root())
    datasets.get(experiment.dataset).ensure(console.print)
    about = _about(experiment, planned)
    prepare(planned, experiment, plugins)
    experiments.write(experiment.name, about)
    _mark_dead(planned)
    remaining = [item.folder for item in planned if not item.ended]
    # Where trials take turns, each one's seconds are its share of the time.
    beside = resources.workers if resources.executor in ("processes", "ray") else 1
    observer = ProgressMonitor(planned, beside, view(console))
    with _signals() as asked:
        observer.start(
            lambda: _mirror(Publisher(uri, experiment.name, about), planned), lambda: bool(asked)
        )
        try:
            EXECUTORS[resources.executor](remaining, resources.workers, lambda: bool(asked))
        finally:
            observer.stop()
    trials = [Ended(item.trial, _standing(item, stopped=bool(asked))) for item in planned]
    return Outcome(trials, asked[0] if asked else None, observer.unsent)


def _about(experiment: Experiment, planned: Sequence[Planned]) -> ExperimentRecord:
    evaluator, first = datasets.get(experiment.dataset).evaluator(), planned[0]
    n = first.trial.samples
    # Working out a floor fills the cache of reference statistics that every worker then reads.
    evaluator.floor(min(n, SAMPLES), thorough=True)
    values = evaluator.floor(n, thorough=True).items()
    floor = {name: float(value) for name, value in values if not isinstance(value, str)}
    return ExperimentRecord(
        toml=experiment.resolved,
        command=experiment.command,
        seeds_option=experiment.seeds_option,
        keys=[item.trial.key for item in planned],
        protocol=first.trial.protocol_id,
        measure=first.trial.measure,
        floor={"n": n, **floor} if floor else {},
        calibration=calibration.shipped(evaluator) or evaluator.calibration(),
        description=experiment.description,
        budget=_shown(first),
        seed=experiment.seeds[0],
    )


def _shown(item: Planned) -> int:
    """Images shown at the last point: the budget, rounded up to whole batches."""
    return item.trial.steps * item.trial.batch


def _mirror(publisher: Publisher, planned: Sequence[Planned]) -> Mirror:
    """Open MLflow, which takes seconds, and close the runs of trials that died."""
    publisher.reconcile({item.trial.key for item in planned if status.owned(item.folder)})
    return publisher


def _mark_dead(planned: Sequence[Planned]) -> None:
    """A trial that says ``running`` without an owner was killed before it could say otherwise.

    One that was killed between its end and its tidying up is tidied up.
    """
    for item in planned:
        with status.owning(item.folder) as mine:
            found = item.status
            if mine and found.status == "running":
                found.status, found.reason = "interrupted", "Its process ended without a word."
                found.write(item.folder)
            elif mine and item.ended:
                checkpoint.clear(item.folder)


def _standing(item: Planned, stopped: bool) -> Status:
    """A trial's status; one that did not end although nobody stopped the sweep has failed.

    A disk that is full to the last byte keeps even the status from being written.
    """
    found = item.status
    if stopped or found.status in {*status.ENDED, "failed"}:
        return found
    ended_early = "It did not end: run the same command again and it goes on where it stopped."
    found.status, found.reason = "failed", found.reason or ended_early
    try:
        found.write(item.folder)
    except OSError as error:
        found.reason = str(paths.unwritable(item.folder, error))
    return found


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals received so far: the first asks for an orderly stop, a second ends at once."""
    asked: list[int] = []
    last_word = threading.Timer(_PATIENCE_SECONDS, lambda: _end_now(asked[0]))
    last_word.daemon = True

    def remember(number: int, frame: FrameType | None) -> None:
        if asked:
            _end_now(number)
        asked.append(number)
        last_word.start()

    before = {n: signal.signal(n, remember) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        last_word.cancel()


def _end_now(number: int) -> None:
    """Whatever is being measured or sent is left; the next start finds it as a crash leaves it."""
    for child in multiprocessing.active_children():
        child.kill()
    with suppress(OSError):
        if os.isatty(sys.stdout.fileno()):  # before 15 Rich, in the midst of its table, denied it
            os.write(sys.stdout.fileno(), _TERMINAL_BACK)
        os.write(sys.stderr.fileno(), b"Stopped at once: run the same command again to resume.\n")
    os._exit(128 + number)
