"""A whole sweep: plan, train what remains, mirror it, and say how it ended."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench.data import fetch
from bench.experiment import Experiment
from bench.ruler import Ruler, calibration
from bench.sweep.executors import EXECUTORS, Executor
from bench.sweep.observer import Mirror, Observer
from bench.sweep.plan import Planned, plan, prepare
from bench.sweep.view import view
from bench.tracking import experiments, record
from bench.tracking import store as tracking_store
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.training import status


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended."""

    planned: Sequence[Planned]
    signal: int | None
    """The signal that stopped it, if one did."""
    unsent: str | None
    """Why MLflow lacks some of the record, if it does."""

    def of(self, *states: str) -> list[Planned]:
        return [item for item in self.planned if item.status.status in states]


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
        UserError: data, ruler or store are not in order. A trial that fails raises nothing; its
            status says why.
    """
    planned = plan(experiment)
    fetch.ensure(console.print)
    about = _about(experiment, planned[0])
    prepare(planned, experiment, plugins)
    experiments.write(experiment.name, [item.trial.key for item in planned], about)
    _mark_dead(planned)
    remaining = [item.folder for item in planned if not item.ended]
    observer = Observer(planned, resources.workers, view(console))
    with _signals() as asked:
        observer.start(lambda: _mirror(experiment.name, about, planned))
        try:
            EXECUTORS[resources.executor](remaining, resources.workers, lambda: bool(asked))
        finally:
            observer.stop()
    return Outcome(planned, asked[0] if asked else None, observer.unsent)


def _about(experiment: Experiment, first: Planned) -> ExperimentRecord:
    ruler = Ruler.load()
    # Working out the floor fills the cache of reference statistics that every worker then reads.
    floor = {k: float(v) for k, v in ruler.floor(thorough=True).items() if not isinstance(v, str)}
    return ExperimentRecord(
        toml=experiment.text,
        protocol=record.protocol_id(first.trial.identity),
        measure=first.trial.measure,
        floor=floor,
        calibration=calibration.shipped(ruler) or ruler.calibration(),
        description=experiment.description,
        budget=_shown(first),
    )


def _shown(item: Planned) -> int:
    """Images shown at the last point: the budget, rounded up to whole batches."""
    batch = item.trial.protocol["batch"]
    return int(-(-item.trial.budget // batch) * batch)


def _mirror(name: str, about: ExperimentRecord, planned: Sequence[Planned]) -> Mirror:
    """Open MLflow, which takes seconds, and close the runs of trials that died."""
    publisher = Publisher(tracking_store.tracking_uri(), name, about)
    publisher.reconcile({item.trial.key for item in planned if status.owned(item.folder)})
    return publisher


def _mark_dead(planned: Sequence[Planned]) -> None:
    """A trial that says ``running`` without an owner was killed before it could say otherwise."""
    for item in planned:
        found = item.status
        if found.status == "running" and not status.owned(item.folder):
            found.status, found.reason = "interrupted", "Its process ended without a word."
            found.write(item.folder)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals received so far: the first asks for an orderly stop, a second ends at once."""
    asked: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if asked:
            for child in multiprocessing.active_children():
                child.kill()
            os._exit(128 + number)
        asked.append(number)

    before = {n: signal.signal(n, remember) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
