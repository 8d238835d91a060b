"""SIGKILL for the whole process group, at moments of a sweep that are seen from outside."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from bench import paths
from bench.trials import status
from bench.trials.status import Status

from .sweeps import BATCH, Sweep

_POLL_SECONDS = 0.001


@dataclass(frozen=True)
class Moment:
    """What the files say that a command is doing; what an earlier one has left says nothing.

    Attributes:
        since: when the command was started, in seconds since 1970.
    """

    sweep: Sweep
    since: float

    def phases(self) -> list[str]:
        return [name for name, on in PHASES.items() if on(self)]

    def fresh(self, path: Path) -> bool:
        """Whether this command has written there."""
        try:
            return path.lstat().st_mtime >= self.since
        except FileNotFoundError:
            return False

    def at_work(self) -> Iterator[tuple[Path, Status]]:
        """The trials that this command is at."""
        for folder in self.sweep.trials.glob("*"):
            found = status.read(folder)
            if found.status == "running" and found.heartbeat >= self.since:
                yield folder, found


def _downloading(moment: Moment) -> bool:
    files = list((moment.sweep.store / "data" / "mnist").glob("*"))
    whole = [path for path in files if not path.name.startswith(".")]
    return len(whole) < 4 and any(map(moment.fresh, files))


def _creating_mlflow(moment: Moment) -> bool:
    folder = moment.sweep.store / "mlflow"
    return moment.fresh(folder / ".mlflow.db.new") and not (folder / "mlflow.db").exists()


def _training(moment: Moment) -> bool:
    """It has written to a journal, and neither measures that trial nor is through with it."""
    return any(
        moment.fresh(folder / "journal.jsonl")
        and found.images < moment.sweep.budget
        and not _measured(folder, found)
        for folder, found in moment.at_work()
    )


def _writing_a_checkpoint(moment: Moment) -> bool:
    return any(map(moment.fresh, moment.sweep.trials.glob("*/.checkpoint-*")))


def _evaluating(moment: Moment) -> bool:
    return any(_measured(folder, found) for folder, found in moment.at_work())


def _measured(folder: Path, found: Status) -> bool:
    """A trial writes a checkpoint and its status before it is measured, and a grid after it."""
    checkpoint = folder / f"checkpoint-{found.images // BATCH:09d}.json"
    grid = folder / "samples" / f"{found.images:09d}.png"
    return found.images > 0 and checkpoint.exists() and not grid.exists()


def _publishing(moment: Moment) -> bool:
    """The publisher holds the lock of a trial."""
    return any(map(_held, moment.sweep.trials.glob("*/published/*.lock")))


def _held(lock: Path) -> bool:
    try:
        with paths.lock(lock).acquire(blocking=False):
            return False
    except Timeout:
        return True


def _comparing(moment: Moment) -> bool:
    return any(map(moment.fresh, (moment.sweep.folder / "results").rglob("*")))


PHASES: dict[str, Callable[[Moment], bool]] = {
    "download": _downloading,
    "first start of MLflow": _creating_mlflow,
    "training": _training,
    "checkpoint": _writing_a_checkpoint,
    "evaluation": _evaluating,
    "publishing": _publishing,
    "comparison": _comparing,
}
ANY = "any moment"
_LATEST = {"download": 0.1, "first start of MLflow": 3.0, "training": 0.2, "checkpoint": 0.02,
           "evaluation": 1.0, "publishing": 0.2, "comparison": 3.0, ANY: 15.0}  # fmt: skip
"""Seconds after a phase was first seen, at most, unless told otherwise."""


@dataclass(frozen=True)
class Fault:
    """One kill that really happened, and its seconds since the start.

    Attributes:
        phase: what was going on at that moment; ``start-up`` where nothing had been written yet.
        seen: all that was going on; trials run side by side, so often several phases.
    """

    phase: str
    seconds: float
    seen: list[str]


def kill(
    sweep: Sweep, phase: str, chance: random.Random, latest: float | None = None
) -> Fault | None:
    """Start the sweep and kill it a random while after ``phase`` is seen, while it goes on.

    Args:
        latest: seconds after the phase was first seen, at most; None for a usual time.

    Returns:
        None where the sweep ended before that; its exit status was 0 then.
    """
    started, moment = time.monotonic(), Moment(sweep, time.time())
    command = sweep.start()
    patience = _LATEST[phase] if latest is None else latest
    while True:
        while phase != ANY and not PHASES[phase](moment):
            if command.poll() is not None:
                assert command.status == 0, sweep.log
                return None
            time.sleep(_POLL_SECONDS)
        time.sleep(chance.uniform(0, patience))
        if command.poll() is not None:
            assert command.status == 0, sweep.log
            return None
        os.killpg(command.pid, signal.SIGSTOP)  # so that what is seen is what is killed
        seen = moment.phases()
        if phase == ANY or phase in seen:
            os.killpg(command.pid, signal.SIGKILL)
            command.wait()
            return Fault(_label(phase, seen, moment), round(time.monotonic() - started, 3), seen)
        os.killpg(command.pid, signal.SIGCONT)
        patience /= 2  # it was over before: strike sooner the next time


def _label(phase: str, seen: list[str], moment: Moment) -> str:
    if phase != ANY:
        return phase
    touched = any(map(moment.fresh, moment.sweep.store.rglob("*")))
    return seen[0] if seen else "between" if touched else "start-up"
