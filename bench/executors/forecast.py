"""When a sweep will have ended, from how its trials stand and from how long those before took."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.executors import cores
from bench.executors.plan import Planned
from bench.trials.status import Status

Standing = Sequence[tuple[Planned, Status]]
"""All trials of a sweep in their order, each with its status at one moment."""

_ENOUGH = 0.05
"""Share of the budget that shows a pace."""


@dataclass
class _Watched:
    """A trial that runs: since when, what it had spent before, and its last sign of life."""

    began: float
    before: float
    heard: float
    status: Status
    beside: Status
    """As it was when it was first seen beside as many others as now."""


@dataclass(frozen=True)
class _Left:
    """Seconds that a trial still needs, by what is done in them."""

    training: float
    measuring: float
    around: float = 0.0
    """Starting its process, reading the data, closing: what its status does not count."""

    @property
    def total(self) -> float:
        return self.training + self.measuring + self.around


class Forecast:
    """The time left, from one standing after the other.

    Args:
        workers: how many trials run side by side.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._watched: dict[str, _Watched] = {}
        self._around: list[float] = []
        self._freed: list[float] = []
        self._crowd = 0

    def time_left(self, standing: Standing, now: float) -> float | None:
        """Seconds until the sweep ends; None before any trial has shown its pace.

        Args:
            standing: the trials as they are now.
            now: seconds of any clock that is never set back.
        """
        self._watch(standing, now)
        costs = _Costs(standing)
        if not costs.known:
            return None
        running = [self._left(pair, costs, now) for pair in standing if pair[1].status == "running"]
        waiting = [
            self._left(pair, costs, now)
            for pair in standing
            if pair[1].status in ("pending", "interrupted")
        ]
        if _shared(standing):
            return _taking_turns([*running, *waiting])
        return _side_by_side(running, waiting, self._workers)

    def _watch(self, standing: Standing, now: float) -> None:
        for item, status in standing:
            key = item.trial.key
            known = self._watched.get(key)
            if status.status != "running":
                if known is not None:
                    self._end(key, status, now)
            elif known is None:
                began = self._freed.pop(0) if self._freed else now
                self._watched[key] = _Watched(began, _spent(status), now, status, status)
            elif _spent(known.status) != _spent(status) or known.status.images != status.images:
                known.heard, known.status = now, status
        if len(self._watched) != self._crowd:  # trials side by side slow each other
            self._crowd = len(self._watched)
            for known in self._watched.values():
                known.beside = known.status

    def _end(self, key: str, status: Status, now: float) -> None:
        known = self._watched.pop(key)
        self._freed.append(now)
        if status.status == "done":
            counted = _spent(status) - known.before
            self._around.append(max(0.0, now - known.began - counted))

    def _left(self, pair: tuple[Planned, Status], costs: "_Costs", now: float) -> _Left:
        item, status = pair
        known = self._watched.get(item.trial.key)
        pace = costs.pace(item, status, known.beside if known else None)
        training = pace * max(0, item.trial.budget - status.images)
        measuring = costs.measuring(item, status) - status.measuring
        around = fmean(self._around) if self._around else 0.0
        if known is not None:
            # A trial gives no sign of life while it is measured, nor before its first step.
            silent = now - known.heard
            measuring -= silent if status.images else 0.0
            around = 0.0 if status.images else around - silent
        return _Left(training, max(0.0, measuring), max(0.0, around))


class _Costs:
    """What trials cost, from those that have ended and those that have begun."""

    def __init__(self, standing: Standing) -> None:
        self._done = _by_variant(standing, {"done"})
        begun = _by_variant(standing, {"done", "diverged", "running", "interrupted"})
        self._paces = {name: _pace(self._done.get(name, group)) for name, group in begun.items()}
        self._measured = [pair for group in begun.values() for pair in group]

    @property
    def known(self) -> bool:
        return bool(self._paces)

    def pace(self, item: Planned, status: Status, beside: Status | None) -> float:
        """Seconds of training an image; a variant that has not begun is taken for average.

        One that runs has its own, since it has run beside as many others as now where that is long.
        """
        enough = _ENOUGH * item.trial.budget
        if beside is not None and status.images - beside.images >= enough:
            return (status.seconds - beside.seconds) / (status.images - beside.images)
        if beside is not None and status.images >= enough:
            return status.seconds / status.images
        return self._paces.get(item.trial.variant) or fmean(self._paces.values())

    def measuring(self, item: Planned, status: Status) -> float:
        """Seconds of all of a trial's measurements; the last is the longest by far."""
        everywhere = [pair for group in self._done.values() for pair in group]
        done = self._done.get(item.trial.variant) or everywhere
        if done:
            return fmean(other.measuring for _, other in done)
        each = [s.measuring / _points(i, s) for i, s in self._measured if _points(i, s)]
        return item.trial.protocol.get("evaluations", 1) * fmean(each) if each else 0.0


def _by_variant(standing: Standing, states: set[str]) -> Mapping[str, list[tuple[Planned, Status]]]:
    """The trials in one of the states that have seen images, by variant."""
    groups: dict[str, list[tuple[Planned, Status]]] = {}
    for item, status in standing:
        if status.status in states and status.images and status.seconds:
            groups.setdefault(item.trial.variant, []).append((item, status))
    return groups


def _pace(group: Iterable[tuple[Planned, Status]]) -> float:
    pairs = [status for _, status in group]
    return sum(s.seconds for s in pairs) / sum(s.images for s in pairs)


def _points(item: Planned, status: Status) -> int:
    """How many of its measurements a trial has behind it."""
    evaluations = int(item.trial.protocol.get("evaluations", 1))
    return min(evaluations, evaluations * status.images // item.trial.budget)


def _spent(status: Status) -> float:
    return status.seconds + status.measuring


def _shared(standing: Standing) -> bool:
    """Whether trials take turns in one process; then their seconds are shares of its time."""
    running = [(s.host, s.pid) for _, s in standing if s.status == "running"]
    return len(running) > len(set(running))


def _taking_turns(trials: Sequence[_Left]) -> float:
    """One step after the other, while the processor's cores measure."""
    return sum(t.training for t in trials) + sum(t.measuring for t in trials) / cores()


def _side_by_side(running: Sequence[_Left], waiting: Sequence[_Left], workers: int) -> float:
    """The end of the schedule in which each waiting trial goes to the worker that is free first."""
    free = [trial.total for trial in running] + [0.0] * (workers - len(running))
    heapq.heapify(free)
    for trial in waiting:
        heapq.heapreplace(free, free[0] + trial.total)
    return max(free)
