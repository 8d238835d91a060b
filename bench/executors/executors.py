"""Who runs the trials: this process, one process each on every core, or many machines."""

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from bench import paths
from bench.executors import Executor, Stopping, cores, worker
from bench.training import trial
from bench.training.runtime import one_thread, worker_env
from bench.training.trial import Turns
from bench.trials import status

_POLL_SECONDS = 0.5
_GRACE_SECONDS = 5.0
"""How long a worker may take to finish its step and write its checkpoint when asked to stop."""
_LATE = f"It was ended in the middle of a step, {_GRACE_SECONDS:.0f} s after it was asked to stop."
_BUSY = 75
"""A worker's exit code (sysexits' EX_TEMPFAIL) where another process was at its trial."""


def serial(folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
    """One trial after the other in this process; the debugger's executor."""
    with one_thread():
        _take_turns(folders, 1, stopping, None)


def streams(folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
    """``workers`` trials in this process, a step of each in turn; a GPU does them at the same time.

    Measurements, which the processor makes, go to threads meanwhile, one a core.
    """
    with one_thread(), ThreadPoolExecutor(cores(), initializer=_as_one_thread) as aside:
        _take_turns(folders, workers, stopping, aside)


def _as_one_thread() -> None:
    """What `one_thread` has set, for a thread that does not inherit it."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@dataclass
class _Going:
    """A trial that takes turns, and the measurement that it waits for."""

    folder: Path
    turns: Turns
    measuring: Future[None] | None = None

    @property
    def ready(self) -> bool:
        return self.measuring is None or self.measuring.done()


def _take_turns(
    folders: Sequence[Path], workers: int, stopping: Stopping, aside: ThreadPoolExecutor | None
) -> None:
    waiting, elsewhere, going = deque(folders), deque[Path](), list[_Going]()
    while waiting or going or (elsewhere and not stopping()):
        while waiting and len(going) < workers:
            folder = waiting.popleft()
            if not stopping():
                going.append(_Going(folder, trial.turns(folder, stopping, aside=aside)))
        for item in [item for item in going if item.ready]:
            try:
                item.measuring = next(item.turns)
            except StopIteration as end:
                going.remove(item)
                if end.value == "running":
                    elsewhere.append(item.folder)
            except OSError as problem:  # not even the lock can be written
                going.remove(item)
                print(paths.refused(item.folder, problem), file=sys.stderr)
        busy = [item.measuring for item in going if item.measuring and not item.ready]
        if going and len(busy) == len(going):
            futures.wait(busy, _POLL_SECONDS, futures.FIRST_COMPLETED)
        elif elsewhere and not (going or waiting):
            time.sleep(_POLL_SECONDS)  # another sweep has them: wait for their end, or take over
            waiting, elsewhere = elsewhere, deque()


def processes(folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
    """``workers`` trials side by side, each in a single-threaded process of its own.

    A process that dies takes only its own trial with it. Trials that another sweep on the same
    store is running are tried again at the end, so nothing is trained twice and nothing is left.
    """
    waiting = list(folders)
    running: dict[BaseProcess, Path] = {}
    asked: float | None = None
    with worker_env():
        context = worker.context()
        if waiting:
            worker.warm_up(context, stopping)
        while (waiting or running) and not (stopping() and not running):
            while waiting and len(running) < workers and not stopping():
                folder = waiting.pop(0)
                if status.over(folder):
                    continue
                if status.owned(folder):
                    waiting.append(folder)
                    break
                running[worker.start(context, _work, folder)] = folder
            if running:
                wait([process.sentinel for process in running], timeout=_POLL_SECONDS)
            else:
                time.sleep(_POLL_SECONDS)
            if stopping():
                asked = asked or time.monotonic()
                _stop(running, patient=time.monotonic() < asked + _GRACE_SECONDS)
            for process in [process for process in running if not process.is_alive()]:
                folder = running.pop(process)
                if _settle(process, folder, stopping()):
                    waiting.append(folder)


def ray(folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
    """``workers`` trials side by side on the cluster that `bench.executors.cluster` has joined."""
    from bench.executors import cluster

    cluster.run(folders, workers, stopping)


def _stop(running: Iterable[BaseProcess], patient: bool) -> None:
    for process in running:
        if patient:
            process.terminate()
        else:
            process.kill()


def _settle(process: BaseProcess, folder: Path, stopped: bool) -> bool:
    """Say for a worker that was killed how its trial ended; True where the trial is still to do.

    The journal says it too, so that MLflow does not show the run as running for ever.
    """
    process.join()
    if not process.exitcode:
        return False
    with status.owning(folder) as mine:
        if mine and process.exitcode != _BUSY:
            found = status.read(folder)
            if found.status == "running" or (found.status == "pending" and not stopped):
                found.status = "interrupted" if stopped else "failed"
                found.reason = _LATE if stopped else _cause(process.exitcode)
                trial.close(folder, found)
            return False
    return True


def _cause(exitcode: int) -> str:
    if exitcode == -signal.SIGKILL:
        return (
            "The worker was killed, most likely by the system for want of memory: use fewer "
            "--workers, then run the same command again."
        )
    return f"The worker ended with exit code {exitcode}: run the same command again."


def _work(folder: Path) -> None:
    """A worker's whole life: one trial, stopped by SIGTERM or SIGINT at the end of a step."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: asked.append(received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        if trial.run(folder, lambda: bool(asked)) == "running":
            sys.exit(_BUSY)
    except OSError as problem:  # not even the lock can be written
        sys.exit(str(paths.refused(folder, problem)))


EXECUTORS: dict[Executor, Callable[[Sequence[Path], int, Stopping], None]] = {
    "serial": serial,
    "streams": streams,
    "processes": processes,
    "ray": ray,
}
