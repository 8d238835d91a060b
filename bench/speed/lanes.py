"""Processes that work side by side as those of a sweep do, each on command for a given time."""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from multiprocessing.connection import Connection
from typing import Literal

from bench.training.runtime import one_thread, worker_env
from bench.trials import Trial

SGEMM = 2048
"""Side of the square matrices whose product gives the machine's peak."""

Kind = Literal["tutorial", "alone", "trial", "bf16", "sgemm", "point", "end"]
"""What is repeated: a step of the tutorials' loop; a step of one trial; of each of the process's
trials; that in bf16; a product of two square matrices; a measurement in the midst of a trial; all
the measurements at its end."""


class Lane:
    """A process that repeats what it is told to."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def start(self, kind: Kind, seconds: float) -> None:
        self._pipe.send((kind, seconds))

    def rate(self) -> float:
        """Repetitions a second over the time that was asked for; at least one is done.

        Raises:
            EOFError: the process has died.
        """
        done, took = self._pipe.recv()
        return float(done / took)


def together(lanes: Sequence[Lane], kind: Kind, seconds: float) -> float:
    """The summed rate of lanes that work at the same time."""
    for lane in lanes:
        lane.start(kind, seconds)
    return sum(lane.rate() for lane in lanes)


@contextmanager
def lanes(
    trial: Trial, width: int, *, single: bool = True, beside: int = 1
) -> Iterator[list[Lane]]:
    """``width`` processes for a trial; they end with the block.

    Args:
        trial: what they work at.
        width: how many.
        single: single-threaded as in a sweep; otherwise as torch decides.
        beside: trials in each process.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        opened = []
        for _ in range(width):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, trial, single, beside), daemon=True
            )
            with worker_env() if single else nullcontext():
                process.start()
            theirs.close()
            stack.callback(process.join)
            stack.callback(ours.close)
            opened.append(Lane(ours))
        yield opened


def _serve(pipe: Connection, trial: Trial, single: bool, beside: int) -> None:
    prepared = cache(lambda kind: _BUILDERS[kind](trial, beside))
    with one_thread() if single else nullcontext(), suppress(EOFError):
        while True:  # until the other end is closed
            kind, seconds = pipe.recv()
            pipe.send(_repeat(prepared(kind), seconds))


@dataclass(frozen=True)
class _Work:
    """What is repeated."""

    once: Callable[[], object]
    counts: int = 1
    synchronize: Callable[[], None] = lambda: None
    """Waits until it is done, where it is done elsewhere."""


def _repeat(work: _Work, seconds: float) -> tuple[int, float]:
    started, done, took = time.perf_counter(), 0, 0.0
    while not done or took < seconds:
        work.once()
        done, took = done + work.counts, time.perf_counter() - started
    work.synchronize()
    return done, time.perf_counter() - started


def _synchronised(device: str) -> Callable[[], None]:
    import torch

    return torch.cuda.synchronize if device == "cuda" else lambda: None


def _tutorial(trial: Trial, beside: int) -> _Work:
    from bench import datasets
    from bench.speed import tutorial
    from bench.training.generator import build

    images = datasets.get(trial.dataset).split("train").values
    loop = tutorial.loop(build(trial), images, trial.batch, trial.device)  # type: ignore[arg-type]
    return _Work(loop, synchronize=_synchronised(trial.device))


def _trials(trial: Trial, beside: int, **protocol: str) -> _Work:
    from bench import datasets
    from bench.training.stepping import stepper

    samples, changed = datasets.get(trial.dataset).split("train"), trial.under(**protocol)
    seeds = range(trial.seed, trial.seed + beside)
    steppers = [stepper(replace(changed, seed=seed), samples, _warn) for seed in seeds]
    index = count()

    def once() -> None:
        step = next(index)
        for each in steppers:
            each.step(step)

    def synchronize() -> None:
        for each in steppers:
            each.synchronize()

    return _Work(once, beside, synchronize)


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _sgemm(trial: Trial, beside: int) -> _Work:
    import torch

    device = trial.device
    a, b, out = torch.randn(3, SGEMM, SGEMM, device=device)
    return _Work(lambda: torch.mm(a, b, out=out), synchronize=_synchronised(device))


def _measuring(trial: Trial, last: bool) -> _Work:
    from bench import datasets
    from bench.training import evaluation
    from bench.training.generator import build

    evaluator, algorithm = datasets.get(trial.dataset).evaluator(), build(trial)
    return _Work(
        lambda: evaluation.measure(evaluator, evaluation.samples(algorithm, trial), last=last)
    )


_BUILDERS: dict[Kind, Callable[[Trial, int], _Work]] = {
    "tutorial": _tutorial,
    "alone": lambda trial, beside: _trials(trial, 1),
    "trial": _trials,
    "bf16": partial(_trials, precision="bf16"),
    "sgemm": _sgemm,
    "point": lambda trial, beside: _measuring(trial, last=False),
    "end": lambda trial, beside: _measuring(trial, last=True),
}
