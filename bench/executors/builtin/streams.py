"""Many trials in this process, a step of each in turn; a GPU does them at the same time."""

from collections import deque
from collections.abc import Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.executors import Executor, Stopping, cores, register
from bench.training import trial
from bench.training.runtime import one_thread
from bench.training.trial import Turns

_POLL_SECONDS = 0.5


@dataclass
class _Running:
    """A trial that takes turns, and the evaluation that it waits for."""

    turns: Turns
    evaluation: Future[None] | None = None

    @property
    def ready(self) -> bool:
        return self.evaluation is None or self.evaluation.done()

    def step(self) -> bool:
        """Take a turn; False where the trial has ended."""
        try:
            self.evaluation = next(self.turns)
        except (StopIteration, OSError):  # its lock cannot be written; the sweep says so
            return False
        return True


@register("streams")
class Streams(Executor):
    """Trials in turns, on a GPU a CUDA stream each; threads evaluate meanwhile, one a core."""

    width = 16  # of these small networks, each uses only a part of a GPU

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        waiting, running = deque(folders), list[_Running]()
        with one_thread(), ThreadPoolExecutor(cores(), initializer=_as_one_thread) as aside:
            while running or (waiting and not stopping()):
                while waiting and len(running) < workers and not stopping():
                    turns = trial.turns(waiting.popleft(), stopping, aside=aside)
                    running.append(_Running(turns))
                running = [item for item in running if not item.ready or item.step()]
                busy = [item.evaluation for item in running if item.evaluation and not item.ready]
                if busy and len(busy) == len(running):
                    futures.wait(busy, _POLL_SECONDS, futures.FIRST_COMPLETED)


def _as_one_thread() -> None:
    """What `one_thread` has set, for a thread that does not inherit it."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
