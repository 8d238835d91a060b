"""How a trial's end is written down, and what is said of the problem that ended it."""

import contextlib
import errno
from pathlib import Path

import torch

from bench import paths
from bench.errors import UserError
from bench.training import checkpoint
from bench.trials import event_log
from bench.trials.status import ENDED, Status


def close(folder: Path, status: Status) -> None:
    """Write down how a trial ended: journal, status, and only then go the checkpoints.

    Where the disk has no room even for that, the status on it stays ``running``, the sweep says so,
    and the next one goes on from the newest checkpoint.
    """
    try:
        event_log.EventLog(folder).end(status.status, status.reason)
        status.write(folder)
    except (OSError, UserError) as problem:
        status.status, status.reason = "failed", sentence(problem, folder)
        with contextlib.suppress(OSError):
            status.write(folder)
    if status.status in ENDED:
        checkpoint.clear(folder)


def sentence(problem: Exception, folder: Path) -> str:
    """Why a trial failed, and what to do."""
    if isinstance(problem, UserError):
        return str(problem)
    if _short_of_memory(problem):
        return "Out of memory: use fewer --workers, then run the same command again."
    if isinstance(problem, OSError) and problem.errno is not None:
        return str(paths.refused(folder, problem))
    kind = type(problem).__name__
    return f"{kind}: {problem}; the traceback is in {folder / 'error.txt'}."


def _short_of_memory(problem: Exception) -> bool:
    """Python, the system and torch each say it in their own way."""
    if isinstance(problem, OSError):
        return problem.errno == errno.ENOMEM
    return isinstance(problem, MemoryError | torch.OutOfMemoryError) or (
        isinstance(problem, RuntimeError) and "t allocate memory" in str(problem)
    )
