"""A whole sweep: plan, train what remains, mirror it, and say how it ended."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench import datasets, paths
from bench.errors import UserError
from bench.evaluation import calibration
from bench.evaluation.identity import SAMPLES
from bench.executors import Executor, Stopping, worker
from bench.executors.display import view
from bench.executors.monitor import ProgressMonitor
from bench.executors.plan import Planned, Standing, chosen, plan, prepare
from bench.tracking import addresses, experiments
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.training.runtime import worker_env
from bench.trials import status
from bench.trials.experiment import Experiment
from bench.trials.status import Status

_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 9.0
"""After this long, what still runs when a sweep is stopped is ended at once."""
_TERMINAL_BACK = b"\x1b[?25h\n"
"""Shows where one types, which the live table hides, and leaves the table's last line."""
_DIED = "Its process ended and gave no reason."
_NOT_ENDED = "It did not end: run the same command again to resume it."


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended."""

    trials: Standing
    signal: int | None
    """The signal that stopped it, if one did."""
    unsent: str | None
    """Why MLflow lacks some of the record, if it does."""

    def of(self, *states: str) -> Standing:
        return [pair for pair in self.trials if pair[1].status in states]


def sweep(
    experiment: Experiment,
    plugins: Sequence[Path],
    executor: Executor,
    workers: int | None,
    console: Console,
) -> Outcome:
    """Train every trial of the experiment that has not ended, and mirror all of them to MLflow.

    An experiment with a search is trained in two phases: what the first has not ended, or a signal
    that came meanwhile, leaves the second to the next sweep.

    Raises:
        UserError: executor, data, evaluator or store are not in order. A trial that fails raises
            nothing; its status says why.
    """
    planned = plan(experiment)
    # What is no tracking store is refused before hours of training.
    addresses.file_of(addresses.tracking_uri())
    with contextlib.closing(executor):
        workers = executor.prepare(experiment, workers)
        paths.check(paths.root())
        datasets.get(experiment.dataset).ensure(console.print)
        _require_samples(experiment)
        about = _about(experiment, planned)
        whole = _Sweep(experiment, plugins, executor, workers, console)
        if experiment.search is None:
            return whole.train(planned, about)
        return _searched(whole, planned, about)


def _searched(whole: "_Sweep", planned: Sequence[Planned], about: ExperimentRecord) -> Outcome:
    """The search, and once it is over the final phase."""
    search = whole.train(planned, about, "search")
    if search.signal is not None or not chosen(planned):
        return search
    planned = plan(whole.experiment)
    about = replace(about, keys=_keys(planned), places=_places(planned))
    final = whole.train(planned, about, "final")
    return Outcome([*search.trials, *final.trials], final.signal, search.unsent or final.unsent)


@dataclass(frozen=True)
class _Sweep:
    """What both phases of a sweep have in common."""

    experiment: Experiment
    plugins: Sequence[Path]
    executor: Executor
    workers: int
    console: Console

    def train(
        self, planned: Sequence[Planned], about: ExperimentRecord, phase: str = ""
    ) -> Outcome:
        """Train the trials of a phase, and mirror them to MLflow."""
        part = [item for item in planned if item.phase == phase]
        prepare(part, self.experiment, self.plugins)
        experiments.write(self.experiment.name, about)
        for item in part:  # what was killed before it could say so
            worker.close(item.folder, "interrupted", _DIED)

        def mirror() -> Publisher:
            """Open MLflow, which takes seconds, and close the runs of trials that died."""
            publisher = Publisher(addresses.tracking_uri(), self.experiment.name, about)
            publisher.reconcile({item.trial.key for item in planned if _owned(item)})
            return publisher

        with _signals() as received:

            def stopping() -> bool:
                return bool(received)

            display = view(self.console)
            monitor = ProgressMonitor(part, self.workers, display, mirror, stopping)
            with display, monitor:
                trials = train(part, self.executor, self.workers, stopping)
        return Outcome(trials, received[0] if received else None, monitor.unsent)


def _require_samples(experiment: Experiment) -> None:
    """Raises:
    UserError: a batch is larger than the training set.
    """
    count = len(datasets.get(experiment.dataset).split("train"))
    if experiment.batch > count:
        raise UserError(
            f"The batch of {experiment.batch:,} is larger than the {count:,} training samples of "
            f"{experiment.dataset}: choose a smaller batch."
        )


def _about(experiment: Experiment, planned: Sequence[Planned]) -> ExperimentRecord:
    evaluator = datasets.get(experiment.dataset).evaluator()
    first = next(item.trial for item in planned if item.phase != "search")
    # Working out a floor fills the cache of reference statistics that every worker then reads.
    evaluator.floor(min(first.samples, SAMPLES), final=True)
    values = evaluator.floor(first.samples, final=True).items()
    floor = {name: float(value) for name, value in values if not isinstance(value, str)}
    return ExperimentRecord(
        toml=experiment.resolved,
        command=experiment.command,
        seeds_option=experiment.seeds_option,
        keys=_keys(planned),
        places=_places(planned),
        protocol=first.protocol_id,
        measure=first.measure,
        floor={"n": first.samples, **floor} if floor else {},
        calibration=calibration.shipped(evaluator) or evaluator.calibration(),
        description=experiment.description,
        control=experiment.control,
        budget=first.steps * first.batch,
        seed=experiment.seeds[0],
    )


def _keys(planned: Sequence[Planned]) -> list[str]:
    return [item.trial.key for item in planned]


def _places(planned: Sequence[Planned]) -> dict[str, dict[str, str]]:
    return {item.trial.key: item.place.params for item in planned if item.place}


def train(
    planned: Sequence[Planned], executor: Executor, workers: int, stopping: Stopping
) -> Standing:
    """Have the executor run all trials, and write down the end of those that it left without one.

    What another sweep on the same store is training is waited for, and taken over where that ends
    before the trial does. So nothing is trained twice and nothing is left.

    Returns:
        The trials as they stand, where a full disk keeps that from being written as well.
    """
    remaining = [item for item in planned if not item.ended]
    while remaining and not stopping():
        free = [item for item in remaining if not _owned(item) and not item.ended]
        if free:
            with worker_env():
                executor.run([item.folder for item in free], workers, stopping)
        else:
            time.sleep(_POLL_SECONDS)
        remaining = [
            item for item in remaining if _owned(item) or (item not in free and not item.ended)
        ]
    return [(item, _closed(item, stopping())) for item in planned]


def _owned(item: Planned) -> bool:
    with contextlib.suppress(OSError):  # its lock cannot be written, which fails the trial later
        return status.owned(item.folder)
    return False


def _closed(item: Planned, stopped: bool) -> Status:
    if stopped:
        return worker.close(item.folder, "interrupted", _DIED)
    return worker.close(item.folder, "failed", _NOT_ENDED)


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals received so far: the first asks for an orderly stop, a second ends at once."""
    received: list[int] = []
    patience = threading.Timer(_PATIENCE_SECONDS, lambda: _end_now(received[0]))
    patience.daemon = True

    def remember(number: int, frame: FrameType | None) -> None:
        if received:
            _end_now(number)
        received.append(number)
        patience.start()

    before = {n: signal.signal(n, remember) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        patience.cancel()


def _end_now(number: int) -> None:
    """Whatever is evaluated or sent is left; the next start meets it as a crash leaves it."""
    for child in multiprocessing.active_children():
        child.kill()
    with contextlib.suppress(OSError):
        if os.isatty(sys.stdout.fileno()):  # Rich before 15 denied it in the middle of its table
            os.write(sys.stdout.fileno(), _TERMINAL_BACK)
        os.write(sys.stderr.fileno(), b"Stopped at once: run the same command again to resume.\n")
    os._exit(128 + number)
