"""SIGKILL for the whole process group, at moments of a sweep that are seen from outside."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .sweeps import BATCH, Sweep

_POLL_SECONDS = 0.001


def _downloading(sweep: Sweep) -> bool:
    folder = sweep.store / "data" / "mnist"
    return folder.exists() and len(list(folder.glob("[!.]*"))) < 4


def _creating_mlflow(sweep: Sweep) -> bool:
    folder = sweep.store / "mlflow"
    return (folder / ".mlflow.db.new").exists() and not (folder / "mlflow.db").exists()


def _training(sweep: Sweep) -> bool:
    return any(_running(folder) for folder in sweep.trials.glob("*"))


def _running(folder: Path) -> bool:
    try:
        found = json.loads((folder / "status.json").read_text())
    except FileNotFoundError:
        return False
    return bool(found["status"] == "running" and found["images"] > 0)


def _writing_a_checkpoint(sweep: Sweep) -> bool:
    return any(sweep.trials.glob("*/.checkpoint-*"))


def _evaluating(sweep: Sweep) -> bool:
    """A trial writes a checkpoint before it is measured and a grid right after."""
    for manifest in sweep.trials.glob("*/checkpoint-*.json"):
        shown = int(manifest.stem.rpartition("-")[2]) * BATCH
        if not (manifest.parent / "samples" / f"{shown:09d}.png").exists():
            return True
    return False


def _publishing(sweep: Sweep) -> bool:
    """The publisher has taken a trial up and has not committed all of its journal."""
    for lock in sweep.trials.glob("*/published/*.lock"):
        journal = lock.parent.parent / "journal.jsonl"
        try:
            sent = json.loads(lock.with_suffix(".json").read_text())["offset"]
        except FileNotFoundError:
            return True
        if sent < journal.stat().st_size:
            return True
    return False


def _comparing(sweep: Sweep) -> bool:
    return (sweep.folder / "results").exists()


PHASES: dict[str, Callable[[Sweep], bool]] = {
    "download": _downloading,
    "first start of MLflow": _creating_mlflow,
    "training": _training,
    "checkpoint": _writing_a_checkpoint,
    "evaluation": _evaluating,
    "publishing": _publishing,
    "comparison": _comparing,
    "any moment": lambda sweep: True,
}
_LATEST = {"download": 0.1, "checkpoint": 0.02, "evaluation": 0.3, "any moment": 20.0}
"""Seconds after the phase was first seen, at most; 0.5 for those that are not named."""


@dataclass(frozen=True)
class Fault:
    """One kill that really happened, and its seconds since the start.

    Its phase is the one it was aimed at, or ``start-up`` where nothing had been written yet.
    """

    phase: str
    seconds: float
    seen: list[str]
    """The phases that were on at that moment; trials run side by side, so often several."""


def kill(sweep: Sweep, phase: str, chance: random.Random) -> Fault | None:
    """Start the sweep and kill it a random while after ``phase`` is first seen.

    Returns:
        None where the sweep ended before that; its exit status was 0 then.
    """
    delay = chance.uniform(0, _LATEST.get(phase, 0.5))
    started, wall = time.monotonic(), time.time()
    process = sweep.start()
    due: float | None = None
    while due is None or time.monotonic() < due:
        if process.poll() is not None:
            assert process.returncode == 0, sweep.log
            return None
        if due is None and PHASES[phase](sweep):
            due = time.monotonic() + delay
        _pause(process)
    seen = [name for name, on in PHASES.items() if on(sweep) and name != "any moment"]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if not _touched(sweep, wall):
        phase = "start-up"  # what showed the phase was left by the kill before
    return Fault(phase, round(time.monotonic() - started, 3), seen)


def _touched(sweep: Sweep, since: float) -> bool:
    return any(path.lstat().st_mtime > since for path in sweep.store.rglob("*"))


def _pause(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return
