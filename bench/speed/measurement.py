"""What is measured: rates of steps, the machine's peak, and what evaluations cost.

In every round each thing is done once, one after the other, so that whatever the machine does to
one it does to all; ratios are formed within a round. Reported is the median over the rounds with
the lowest and the highest.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import count
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import datasets
from bench.executors import cores
from bench.nn.fast import ONEDNN
from bench.speed import tutorial
from bench.training import evaluation, runtime, step
from bench.training.generator import build
from bench.trials import Trial

SGEMM = 2048
"""Side of the square matrices whose product gives the machine's peak."""

Work = tuple[Callable[[], object], int]
"""What is repeated, and how many repetitions it counts as."""
_PREPARED: dict[str, Work] = {}  # of this process, which works at one trial


def measure(trial: Trial, width: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Measure the variant of a trial.

    Args:
        trial: whose variant and protocol; no other seed is looked at.
        width: trials side by side: processes, or on a GPU streams of one process.
        rounds: how often everything is repeated, after a round to warm up.
        seconds: how long each rate is taken, in each round.

    Returns:
        ``variant``, and by the names of `report.TITLES` the `spread` of each figure; ``gflop`` is a
        number, ``bf16`` is None where the machine lacks it.

    Raises:
        UserError: no tutorial's loop is known for this variant.
    """
    tutorial.step_of(build(trial))  # type: ignore[arg-type]
    gpu, gflop = trial.device != "cpu", flop(trial) / 1e9
    bf16 = ["bf16"] if runtime.available("bf16", trial.device) else []
    with workers(1, single=False) as loop, workers(cores() if gpu else width) as each:
        first = each[:1]
        plan = [("tutorial", loop, seconds), ("alone", first, seconds)]
        plan += [(k, first if gpu else each, seconds) for k in ("trial", *bf16, "sgemm")]
        plan += [("point", each, 0), ("end", each, 0)]
        trials = width if gpu else 1  # of a process
        measured = [
            [rate(processes, kind, s, trial, trials) for kind, processes, s in plan]
            for _ in range(1 + rounds)
        ][1:]
    r = dict(zip((kind for kind, *_ in plan), np.array(measured).T, strict=True))
    peak = r["sgemm"] * 2 * SGEMM**3 / 1e9  # a multiplication with its addition counts as two
    evaluating = (trial.evaluations - 1) / r["point"] + 1 / r["end"]
    return {
        "variant": trial.variant,
        "tutorial": spread(r["tutorial"]),
        "alone": spread(r["alone"]),
        "machine": spread(r["trial"]),
        "gain": spread(r["trial"] / r["tutorial"]),
        "bf16": spread(r["bf16"] / r["trial"]) if bf16 else None,
        "gflop": gflop,
        "sgemm": spread(peak),
        "roofline": spread(r["trial"] * gflop / peak),
        "point": spread(len(each) / r["point"]),
        "end": spread(len(each) / r["end"]),
        "share": spread(evaluating / (evaluating + trial.steps / r["trial"])),
    }


def spread(values: Iterable[float]) -> dict[str, float]:
    """The median over rounds, with its range."""
    ordered = sorted(map(float, values))
    return {"median": median(ordered), "lowest": ordered[0], "highest": ordered[-1]}


@contextmanager
def workers(width: int, *, single: bool = True) -> Iterator[list[ProcessPoolExecutor]]:
    """``width`` processes, single-threaded as in a sweep; where not ``single``, as torch decides.

    Each is a pool of one, so that it can be told what to do; they end with the block.
    """
    context, begin = multiprocessing.get_context("spawn"), _one_thread if single else None
    with ExitStack() as stack:
        pools = [ProcessPoolExecutor(1, context, begin) for _ in range(width)]
        with runtime.worker_env() if single else nullcontext():
            for pool in pools:
                stack.enter_context(pool).submit(int).result()  # which starts the process
        yield pools


def _one_thread() -> None:
    runtime.one_thread().__enter__()  # as long as the process lives


def rate(
    processes: Sequence[ProcessPoolExecutor], kind: str, seconds: float, trial: Trial, trials: int
) -> float:
    """Repetitions a second of all processes together; each does at least one (`prepare`)."""
    rates = [process.submit(_rate, kind, seconds, trial, trials) for process in processes]
    return sum(each.result() for each in rates)


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
    seeds = range(trial.seed, trial.seed + (1 if kind == "alone" else trials))
    report, numbers = partial(print, file=sys.stderr), count()
    steps = [step.create(replace(planned, seed=seed), samples, report) for seed in seeds]

    def once() -> None:
        number = next(numbers)
        for each in steps:
            each(number)

    return once, len(steps)


def flop(trial: Trial) -> float:
    """Of a step's matrix products, forward and backward, as torch counts them; the mean of one turn
    of discriminator and generator steps."""
    training = step.EagerStep(trial, datasets.get(trial.dataset).split("train"))
    turn = getattr(training.algorithm, "n_critic", 1)
    # torch does not know oneDNN's product of x (N, i) with the transpose of weight (o, i).
    product = {ONEDNN: lambda x, weight, *_, **__: 2 * x[0] * x[1] * weight[0]}
    known = {} if ONEDNN is None else product
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        for index in range(turn):
            training(index)
    return float(counter.get_total_flops() / turn)
