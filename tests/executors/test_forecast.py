"""The time left, compared with how long simulated sweeps then took."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.executors import cores
from bench.executors.forecast import Forecast
from bench.executors.plan import Planned, Standing
from bench.trials import Trial
from bench.trials.status import Status

TICK = 0.5
"""Seconds between two looks at the trials, as of the progress monitor."""
BUDGET, EVALUATIONS = 100_000, 5


def planned(variant: str, seed: int) -> Planned:
    protocol = {"samples": 100, "evaluations": EVALUATIONS}
    return Planned(Trial(variant, {}, seed, BUDGET, protocol), Path("unused"))


@dataclass(frozen=True)
class Costs:
    """Seconds of a variant's trial that runs alone."""

    training: float
    starting: float = 3.0
    measuring: float = 1.0
    last: float = 10.0
    closing: float = 0.5

    def phases(self, begun: float) -> list[tuple[str, float]]:
        """What it does one after the other; ``begun`` is the share that it has behind it."""
        segment = self.training / EVALUATIONS
        todo = [("starting", self.starting)]
        for point in range(1, EVALUATIONS + 1):
            left = min(1.0, max(0.0, point - begun * EVALUATIONS))
            measuring = self.last if point == EVALUATIONS else self.measuring
            todo += [("training", segment * left), ("measuring", measuring)] if left else []
        return [*todo, ("closing", self.closing)]


@dataclass
class Simulated:
    """A trial, its status as the progress monitor reads it, and what it still has to do."""

    item: Planned
    costs: Costs
    status: Status = field(default_factory=Status)
    drift: float = 1.0
    """How much longer than its variant's others it takes."""
    todo: list[tuple[str, float]] = field(default_factory=list)
    silent: float = 0.0
    """Of the measurement in progress, which the status counts when it has ended."""

    def begin(self, pid: int) -> None:
        self.status.status, self.status.pid = "running", pid
        self.todo = self.costs.phases(self.status.images / BUDGET)

    def advance(self, seconds: float, speed: float) -> None:
        """Let ``seconds`` of the wall's clock go by at a share ``speed`` of the full pace."""
        while self.todo and seconds > 0:
            phase, needed = self.todo[0]
            pace = speed / self.drift
            taken = min(seconds, needed / pace)
            self._count(phase, taken, taken * pace)
            seconds -= taken
            self.todo[0] = (phase, needed - taken * pace)
            if self.todo[0][1] <= 1e-9:
                self.todo.pop(0)
                if phase == "measuring":
                    self.status.measuring += self.silent
                    self.silent = 0.0
        if not self.todo:
            self.status.status = "done"

    def _count(self, phase: str, wall: float, work: float) -> None:
        if phase == "training":
            self.status.seconds += wall
            self.status.images = min(
                BUDGET, self.status.images + round(BUDGET * work / self.costs.training)
            )
        elif phase == "measuring":
            self.silent += wall


def sweep(
    trials: Sequence[Simulated], workers: int, slowing: float = 1.0
) -> Iterator[tuple[float, Standing]]:
    """Every look at the trials, until all have ended.

    Args:
        trials: in their order.
        workers: how many run side by side.
        slowing: how much longer a trial takes where others run next to it.
    """
    now = 0.0
    while any(t.status.status != "done" for t in trials):
        running = [t for t in trials if t.status.status == "running"]
        waiting = [t for t in trials if t.status.status in ("pending", "interrupted")]
        for number, trial in enumerate(waiting[: workers - len(running)]):
            trial.begin(100 * int(now / TICK) + number)
            running.append(trial)
        speed = 1 / slowing if len(running) > 1 else 1.0
        for trial in running:
            trial.advance(TICK, speed)
        now += TICK
        yield now, [(t.item, Status(**vars(t.status))) for t in trials]


def misses(
    trials: Sequence[Simulated], workers: int, slowing: float = 1.0
) -> list[tuple[float, float]]:
    """The forecasts from the second trial's end on that are wrong, with the truth.

    Wrong is what misses the truth by more than a third and more than five seconds.
    """
    forecast, made = Forecast(workers), []
    for now, standing in sweep(trials, workers, slowing):
        left = forecast.time_left(standing, now)
        made.append((now, left, sum(status.status == "done" for _, status in standing)))
    end = made[-1][0]
    checked = [(left, end - now) for now, left, ended in made if ended >= 2]
    assert len(checked) > 5
    assert all(left is not None for left, _ in checked)
    return [(left, truth) for left, truth in checked if abs(left - truth) > max(truth / 3, 5)]


QUICK = {"mlp_bce": Costs(20), "wgan": Costs(40), "spectral_norm": Costs(60), "dropout": Costs(55)}
TINY = {"mlp_bce": Costs(0.5), "wgan": Costs(1)}
LONG = {"short": Costs(30), "long": Costs(300)}


def seeds(costs: dict[str, Costs], count: int) -> list[Simulated]:
    """Seeds outermost, as a sweep has them; no two trials take quite the same time."""
    trials = [Simulated(planned(v, seed), costs[v]) for seed in range(count) for v in costs]
    for number, trial in enumerate(trials):
        trial.drift = 1 + 0.08 * (number * 7 % 5 - 2) / 2
    return trials


@pytest.mark.parametrize("slowing", [1.0, 1.2], ids=["own cores", "slower side by side"])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize(("costs", "count"), [(QUICK, 3), (TINY, 4), (LONG, 3)])
def test_it_is_right_within_a_third_from_the_second_end_on(
    costs: dict[str, Costs], count: int, workers: int, slowing: float
) -> None:
    assert misses(seeds(costs, count), workers, slowing) == []


def test_a_trial_that_resumes_needs_the_rest_only() -> None:
    trials = seeds(QUICK, 3)
    for trial in trials[:2]:
        before = 0.8 * trial.costs.training
        trial.status = Status("interrupted", images=80_000, seconds=before, measuring=4.0)
    assert misses(trials, 2) == []


def test_one_long_trial_is_not_shared_out_among_idle_workers() -> None:
    running = Status("running", pid=1, images=BUDGET // 2, seconds=500)
    done = Status("done", images=BUDGET, seconds=1000)
    standing = [(planned("a", 0), done), (planned("a", 1), running)]
    assert Forecast(16).time_left(standing, 0.0) == pytest.approx(500)


def test_nothing_is_said_before_anything_is_known() -> None:
    assert Forecast(2).time_left([(planned("a", 0), Status())], 0.0) is None


def test_a_variant_that_has_not_begun_is_taken_for_average() -> None:
    standing = [
        (planned("a", 0), Status("done", images=BUDGET, seconds=10, measuring=5)),
        (planned("b", 0), Status("done", images=BUDGET, seconds=30, measuring=5)),
        (planned("c", 0), Status()),
    ]
    assert Forecast(1).time_left(standing, 0.0) == pytest.approx(20 + 5)


def test_trials_that_take_turns_share_one_process() -> None:
    """Their seconds are shares of its time, and the processor's cores measure meanwhile."""
    done = (planned("a", 0), Status("done", images=BUDGET, seconds=100, measuring=8.0))
    half = Status("running", host="h", pid=7, images=BUDGET // 2, seconds=50, measuring=4.0)
    standing = [done, (planned("a", 1), half), (planned("a", 2), half), (planned("a", 3), Status())]
    expected = 50 + 50 + 100 + (4 + 4 + 8) / cores()
    assert Forecast(1).time_left(standing, 0.0) == pytest.approx(expected)


def test_another_sweeps_trials_take_workers_of_their_own() -> None:
    running = [Status("running", pid=n, images=BUDGET // 2, seconds=50) for n in range(4)]
    standing = [(planned("a", n), status) for n, status in enumerate(running)]
    assert Forecast(2).time_left(standing, 0.0) == pytest.approx(50)
