"""One process a trial on every core of this machine."""

import math
import signal
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from bench.executors import Executor, Stopping, forkserver, register, worker

_POLL_SECONDS = 0.5
_GRACE_SECONDS = 5.0
"""How long a worker may take to finish its step and write its checkpoint when asked to stop."""
_LATE = f"It did not stop within {_GRACE_SECONDS:.0f} s and was ended in the middle of a step."


@register("processes")
class Processes(Executor):
    """Trials in processes of their own; one that dies takes only its own trial with it."""

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        waiting, running, deadline = deque(folders), dict[BaseProcess, Path](), math.inf
        context = forkserver.context()
        forkserver.warm_up(context, stopping)
        while running or (waiting and not stopping()):
            while waiting and len(running) < workers and not stopping():
                folder = waiting.popleft()
                running[forkserver.start(context, worker.train, folder)] = folder
            wait([process.sentinel for process in running], timeout=_POLL_SECONDS)
            if stopping():
                deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
                for process in running:
                    process.terminate() if time.monotonic() < deadline else process.kill()
            for process in [process for process in running if not process.is_alive()]:
                _close(process, running.pop(process), stopping())


def _close(process: BaseProcess, folder: Path, stopped: bool) -> None:
    process.join()
    if process.exitcode and stopped:
        worker.close(folder, "interrupted", _LATE)
    elif process.exitcode:
        worker.close(folder, "failed", _cause(process.exitcode))


def _cause(exitcode: int) -> str:
    if exitcode == -signal.SIGKILL:
        return (
            "The system killed its process, most likely because the memory was full: use fewer "
            "--workers, then run the same command again."
        )
    return f"Its process ended with exit code {exitcode}: run the same command again."
