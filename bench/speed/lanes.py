"""Processes that work side by side as those of a sweep do, each on command for a given time."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache, partial
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Literal

from bench.training.arithmetic import born_lean, one_thread

SGEMM = 2048
"""Side of the square matrices whose product gives the machine's peak."""

Kind = Literal["tutorial", "trial", "bf16", "sgemm", "point", "end"]
"""What is repeated: a step of the tutorials' loop, a step of a trial, one in bf16, a product of two
square matrices, a measurement in the midst of a trial, all the measurements at its end."""


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
def lanes(identity: dict[str, Any], width: int, *, single: bool = True) -> Iterator[list[Lane]]:
    """``width`` processes for the trial of an identity; they end with the block.

    Args:
        identity: the trial's (`bench.experiment.Trial.identity`).
        width: how many.
        single: single-threaded as in a sweep; otherwise as torch decides.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        opened = []
        for _ in range(width):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, identity, single), daemon=True)
            with born_lean() if single else nullcontext():
                process.start()
            theirs.close()
            stack.callback(process.join)
            stack.callback(ours.close)
            opened.append(Lane(ours))
        yield opened


def _serve(pipe: Connection, identity: dict[str, Any], single: bool) -> None:
    prepared = cache(lambda kind: _BUILDERS[kind](identity))
    with one_thread() if single else nullcontext(), suppress(EOFError):
        while True:  # until the other end is closed
            kind, seconds = pipe.recv()
            pipe.send(_repeat(prepared(kind), seconds))


def _repeat(once: Callable[[], object], seconds: float) -> tuple[int, float]:
    started, done, took = time.perf_counter(), 0, 0.0
    while not done or took < seconds:
        once()
        done, took = done + 1, time.perf_counter() - started
    return done, took


def _tutorial(identity: dict[str, Any]) -> Callable[[], object]:
    from bench.data import mnist
    from bench.speed import tutorial
    from bench.training.generator import build

    gan = build(identity)
    return tutorial.loop(gan, mnist.load("train").images, identity["protocol"]["batch"])  # type: ignore[arg-type]


def _trial(identity: dict[str, Any], **protocol: str) -> Callable[[], object]:
    from bench.data import mnist
    from bench.training.stepper import Eager

    changed = identity | {"protocol": identity["protocol"] | protocol}
    stepper, index = Eager(changed, mnist.load("train").images), count()
    return lambda: stepper.step(next(index))


def _sgemm(identity: dict[str, Any]) -> Callable[[], object]:
    import torch

    a, b, out = torch.randn(3, SGEMM, SGEMM)
    return lambda: torch.mm(a, b, out=out)


def _measuring(identity: dict[str, Any], last: bool) -> Callable[[], object]:
    from bench.ruler import Ruler
    from bench.training import evaluation
    from bench.training.generator import build

    ruler, algorithm = Ruler.load(), build(identity)
    n, seed = identity["protocol"]["samples"], identity["seed"]
    return lambda: evaluation.measure(ruler, evaluation.samples(algorithm, n, seed), last=last)


_BUILDERS: dict[Kind, Callable[[dict[str, Any]], Callable[[], object]]] = {
    "tutorial": _tutorial,
    "trial": _trial,
    "bf16": partial(_trial, precision="bf16"),
    "sgemm": _sgemm,
    "point": partial(_measuring, last=False),
    "end": partial(_measuring, last=True),
}
