"""Where a trial stands: a small file that its owner refreshes and everybody may read."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

from bench import paths
from bench.trials import event_log

State = Literal["pending", "running", "done", "diverged", "failed", "interrupted"]
ENDED: frozenset[State] = frozenset({"done", "diverged"})
"""States that are results: running the experiment again leaves these trials alone."""


@dataclass
class Status:
    """A trial's state and progress."""

    status: State = "pending"
    host: str = ""
    pid: int = 0
    heartbeat: float = 0.0
    """Seconds since 1970."""
    images: int = 0
    """Real images shown to the discriminator."""
    seconds: float = 0.0
    """Training time without evaluation."""
    measuring: float = 0.0
    """Seconds spent on evaluation so far."""
    fid: float | None = None
    modes: int | None = None
    reason: str | None = None
    """One sentence, where the trial diverged, failed or was interrupted."""

    def write(self, folder: Path) -> None:
        """Replace the trial's status file, stamped with this process."""
        self.host, self.pid, self.heartbeat = socket.gethostname(), os.getpid(), time.time()
        with paths.replacing(folder / "status.json", "w") as file:
            json.dump(asdict(self), file)


def read(folder: Path) -> Status:
    """The status of a trial; ``pending`` where it never ran.

    Where the file is damaged or lost, the end of the event log says it, which is the record.
    """
    try:
        status = Status(**json.loads((folder / "status.json").read_text()))
    except (OSError, ValueError, TypeError):
        status = Status()
    if status.status in get_args(State) and status != Status():
        return status
    end = event_log.ending(folder / "journal.jsonl")
    return Status(end["status"], reason=end["reason"]) if end else Status()


def over(folder: Path) -> bool:
    """Whether the trial has a result: its status and the end of its event log say so."""
    end = event_log.ending(folder / "journal.jsonl")
    return end is not None and read(folder).status == end["status"] and end["status"] in ENDED


@contextlib.contextmanager
def owning(folder: Path) -> Iterator[bool]:
    """Hold the trial for this process while the block runs; False where another one holds it.

    The lock goes with the process, however it ends.
    """
    with _asking(folder) as lock:
        pass
    try:
        yield lock.is_locked
    finally:
        lock.release()


def owned(folder: Path) -> bool:
    """Whether some process holds the trial now."""
    if not (folder / "lock").exists():
        return False
    with _asking(folder) as lock:
        free = lock.is_locked
        lock.release()
    return not free


@contextlib.contextmanager
def _asking(folder: Path) -> Iterator[FileLock]:
    """The trial's lock, taken where it is free. One process asks at a time, so it is no owner."""
    lock = paths.lock(folder / "lock")
    with paths.lock(folder / "lock.asking"):
        with contextlib.suppress(Timeout):
            lock.acquire(blocking=False)
        yield lock
