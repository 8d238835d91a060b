"""Processes that work side by side as those of a sweep do, each on command for a given time."""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import cache, partial
from itertools import count
from typing import Any, Literal

from bench import datasets
from bench.training.runtime import one_thread, worker_env
from bench.trials import Trial

SGEMM = 2048
"""Side of the square matrices whose product gives the machine's peak."""

Kind = Literal["tutorial", "alone", "trial", "bf16", "sgemm", "point", "end"]
"""What is repeated: a step of the tutorials' loop; a step of one trial; of each of the process's
trials; that in bf16; a product of two square matrices; an evaluation in the midst of a trial; the
whole evaluation at its end."""
Work = tuple[Callable[[], object], int]
"""What is repeated, and how many repetitions it counts as."""
Rate = Callable[[Kind, float], float]


@contextmanager
def workers(trial: Trial, width: int, *, single: bool = True, trials: int = 1) -> Iterator[Rate]:
    """Start processes for a trial; they end with the block.

    Args:
        trial: what they work at.
        width: how many.
        single: single-threaded as in a sweep; otherwise as torch decides.
        trials: in each process.

    Returns:
        From what is repeated and for how many seconds to the repetitions a second of all together;
        each does at least one.
    """
    context, arguments = multiprocessing.get_context("spawn"), (trial, trials, single)
    with ExitStack() as stack:
        pools = [
            stack.enter_context(ProcessPoolExecutor(1, context, _begin, arguments))
            for _ in range(width)
        ]
        with worker_env() if single else nullcontext():
            for pool in pools:
                pool.submit(int).result()  # which starts the process
        yield partial(_together, pools)


def _together(pools: Sequence[ProcessPoolExecutor], kind: Kind, seconds: float) -> float:
    rates = [pool.submit(_rate, kind, seconds) for pool in pools]
    return sum(rate.result() for rate in rates)


_setting: list[Any] = []  # of this process: the trial, and how many of it


def _begin(trial: Trial, trials: int, single: bool) -> None:
    _setting[:] = trial, trials
    if single:
        one_thread().__enter__()  # as long as the process lives


@cache
def _prepared(kind: Kind) -> Work:
    return _WORK[kind](*_setting)


def _rate(kind: Kind, seconds: float) -> float:
    import torch

    (work, counts), done = _prepared(kind), 0
    started = time.perf_counter()
    while not done or time.perf_counter() - started < seconds:
        work()
        done += counts
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    return done / (time.perf_counter() - started)


def _tutorial(trial: Trial, trials: int) -> Work:
    from bench.speed import tutorial
    from bench.training.generator import build

    images = datasets.get(trial.dataset).split("train").values
    return tutorial.loop(build(trial), images, trial.batch, trial.device), 1  # type: ignore[arg-type]


def _trials(trial: Trial, trials: int, **protocol: str) -> Work:
    from bench.training import step

    samples, report = datasets.get(trial.dataset).split("train"), partial(print, file=sys.stderr)
    planned = [replace(trial.under(**protocol), seed=trial.seed + i) for i in range(trials)]
    steps, numbers = [step.create(each, samples, report) for each in planned], count()

    def once() -> None:
        number = next(numbers)
        for each in steps:
            each(number)

    return once, trials


def _sgemm(trial: Trial, trials: int) -> Work:
    import torch

    a, b, out = torch.randn(3, SGEMM, SGEMM, device=trial.device)
    return lambda: torch.mm(a, b, out=out), 1


def _evaluation(trial: Trial, trials: int, *, last: bool) -> Work:
    from bench.training import evaluation
    from bench.training.generator import build

    evaluator, algorithm = datasets.get(trial.dataset).evaluator(), build(trial)
    return lambda: evaluation.measure(evaluator, evaluation.samples(algorithm, trial), last=last), 1


_WORK: dict[Kind, Callable[[Trial, int], Work]] = {
    "tutorial": _tutorial,
    "alone": lambda trial, trials: _trials(trial, 1),
    "trial": _trials,
    "bf16": partial(_trials, precision="bf16"),
    "sgemm": _sgemm,
    "point": partial(_evaluation, last=False),
    "end": partial(_evaluation, last=True),
}
