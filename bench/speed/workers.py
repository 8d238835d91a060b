"""Processes that work side by side as those of a sweep do, each on command for a given time."""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import count

import torch

from bench import datasets
from bench.speed import tutorial
from bench.training import evaluation, step
from bench.training.generator import build
from bench.training.runtime import one_thread, worker_env
from bench.trials import Trial

SGEMM = 2048
"""Side of the square matrices whose product gives the machine's peak."""

Work = tuple[Callable[[], object], int]
Rate = Callable[[str, float], float]
"""From what is repeated (`prepare`) and for how many seconds to the repetitions a second of all
processes together. Each does at least one."""
_PREPARED: dict[str, Work] = {}  # of this process, which works at one trial


@contextmanager
def workers(trial: Trial, width: int, *, single: bool = True, trials: int = 1) -> Iterator[Rate]:
    """Start ``width`` processes for ``trials`` trials each; they end with the block.

    They are single-threaded as in a sweep; where not ``single``, as torch decides.
    """
    context, begin = multiprocessing.get_context("spawn"), _one_thread if single else None
    with ExitStack() as stack:
        pools = [ProcessPoolExecutor(1, context, begin) for _ in range(width)]
        with worker_env() if single else nullcontext():
            for pool in pools:
                stack.enter_context(pool).submit(int).result()  # which starts the process

        def together(kind: str, seconds: float) -> float:
            rates = [pool.submit(_rate, kind, seconds, trial, trials) for pool in pools]
            return sum(rate.result() for rate in rates)

        yield together


def _one_thread() -> None:
    one_thread().__enter__()  # as long as the process lives


def _rate(kind: str, seconds: float, trial: Trial, trials: int) -> float:
    if kind not in _PREPARED:
        _PREPARED[kind] = prepare(kind, trial, trials)
    (work, counts), done = _PREPARED[kind], 0
    started = time.perf_counter()
    while not done or time.perf_counter() - started < seconds:
        work()
        done += counts
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    return done / (time.perf_counter() - started)


def prepare(kind: str, trial: Trial, trials: int) -> Work:
    """What is repeated, and how many repetitions it counts as.

    Args:
        kind: ``tutorial``: a step of the tutorials' loop; ``alone``: a step of the trial; ``trial``
            and ``bf16``: a step of each of ``trials`` seeds; ``sgemm``: a product of two square
            matrices; ``point`` and ``end``: an evaluation in the midst of a trial and at its end.
    """
    if kind == "sgemm":
        a, b, out = torch.randn(3, SGEMM, SGEMM, device=trial.device)
        return lambda: torch.mm(a, b, out=out), 1
    dataset, algorithm = datasets.get(trial.dataset), build(trial)
    samples = dataset.split("train")
    if kind == "tutorial":
        return tutorial.loop(algorithm, samples.values, trial.batch, trial.device), 1  # type: ignore[arg-type]
    if kind in ("point", "end"):
        score = partial(dataset.evaluator().score, final=kind == "end")
        return lambda: score(evaluation.samples(algorithm, trial)), 1
    planned = trial.under(precision="bf16") if kind == "bf16" else trial
    report, numbers = partial(print, file=sys.stderr), count()
    steps = [
        step.create(replace(planned, seed=trial.seed + i), samples, report)
        for i in range(1 if kind == "alone" else trials)
    ]

    def once() -> None:
        number = next(numbers)
        for each in steps:
            each(number)

    return once, len(steps)
