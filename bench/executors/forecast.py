"""When a sweep will have ended, from how its trials stand and from how long those before took."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.executors import cores
from bench.executors.plan import Planned, Standing
from bench.trials.status import Status

_ENOUGH = 0.05
"""Share of the budget that shows a pace."""


@dataclass(frozen=True)
class _Run:
    """A trial that runs: since when, from what status on, and its last sign of life."""

    began: float
    before: Status
    heard: float
    status: Status


@dataclass(frozen=True)
class _Left:
    """Seconds that a trial still needs: for training, and for all else."""

    training: float
    other: float


class Forecast:
    """The time left, from one standing after the other.

    Args:
        workers: how many trials run side by side.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._runs: dict[str, _Run] = {}
        self._around: list[float] = []
        """Seconds of trials that their status does not count: starting a process, closing."""

    def time_left(self, standing: Standing, now: float) -> float | None:
        """Seconds until the sweep ends; None before any trial has shown its pace.

        Args:
            standing: the trials as they are now.
            now: seconds of any clock that is never set back.
        """
        for item, status in standing:
            self._watch(item.trial.key, status, now)
        costs = _Costs(standing)
        if not costs.paces:
            return None

        def left(*states: str) -> list[_Left]:
            return [self._left(*pair, costs, now) for pair in standing if pair[1].status in states]

        running, waiting = left("running"), left("pending", "interrupted")
        if _take_turns(standing):
            trials = [*running, *waiting]  # and the processor's cores evaluate meanwhile
            return sum(t.training for t in trials) + sum(t.other for t in trials) / cores()
        return _side_by_side(running, waiting, self._workers)

    def _watch(self, key: str, status: Status, now: float) -> None:
        run = self._runs.pop(key, _Run(now, status, now, status))
        if status.status == "running":
            silent = (run.status.images, _spent(run.status)) == (status.images, _spent(status))
            self._runs[key] = _Run(run.began, run.before, run.heard if silent else now, status)
        elif status.status == "done" and run.began < now:
            self._around.append(now - run.began - _spent(status) + _spent(run.before))

    def _left(self, item: Planned, status: Status, costs: "_Costs", now: float) -> _Left:
        around = max(0.0, fmean(self._around or [0.0]))
        evaluating = costs.evaluating(item) - status.measuring
        if run := self._runs.get(item.trial.key):
            # A trial gives no sign of life while it is evaluated, nor before its first step.
            silent = now - run.heard
            evaluating -= silent if status.images else 0.0
            around = 0.0 if status.images else max(0.0, around - silent)
        images = max(0, item.trial.budget - status.images)
        return _Left(costs.pace(item, status) * images, max(0.0, evaluating) + around)


class _Costs:
    """What trials cost, from those that have ended and those that have begun."""

    def __init__(self, standing: Standing) -> None:
        states = ("done", "diverged", "running", "interrupted")
        begun = [pair for pair in standing if pair[1].status in states and pair[1].images]
        done = [pair for pair in begun if pair[1].status == "done"]
        self.paces = _means(begun, _pace) | _means(done, _pace)
        """Seconds of training an image, by variant."""
        self._evaluating = _means(done, lambda item, status: status.measuring)
        self._each = [
            status.measuring / points
            for item, status in begun
            if (points := item.trial.evaluations * status.images // item.trial.budget)
        ]

    def pace(self, item: Planned, status: Status) -> float:
        """Its own where it shows one; a variant that has not begun is taken for average."""
        if status.status == "running" and status.images >= _ENOUGH * item.trial.budget:
            return _pace(item, status)
        return self.paces.get(item.row) or fmean(self.paces.values())

    def evaluating(self, item: Planned) -> float:
        """Seconds of all of a trial's evaluations; the last is the longest by far."""
        if self._evaluating:
            average = fmean(self._evaluating.values())
            return self._evaluating.get(item.row, average)
        return item.trial.evaluations * fmean(self._each or [0.0])


def _means(pairs: Standing, value: Callable[[Planned, Status], float]) -> dict[str, float]:
    """The mean of the trials' values, by variant."""
    values: dict[str, list[float]] = defaultdict(list)
    for item, status in pairs:
        values[item.row].append(value(item, status))
    return {variant: fmean(group) for variant, group in values.items()}


def _pace(item: Planned, status: Status) -> float:
    return status.seconds / status.images


def _spent(status: Status) -> float:
    return status.seconds + status.measuring


def _take_turns(standing: Standing) -> bool:
    """Whether trials share a process; then their seconds are shares of its time."""
    running = [(status.host, status.pid) for _, status in standing if status.status == "running"]
    return len(running) > len(set(running))


def _side_by_side(running: Sequence[_Left], waiting: Sequence[_Left], workers: int) -> float:
    """The end of the schedule in which each waiting trial goes to the worker that is free first."""
    free = [trial.training + trial.other for trial in running] + [0.0] * (workers - len(running))
    heapq.heapify(free)
    for trial in waiting:
        heapq.heapreplace(free, free[0] + trial.training + trial.other)
    return max(free)
