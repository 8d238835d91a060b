"""One trial from its folder to its end, whatever that is; or a step of it at a time."""

import contextlib
import math
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from pathlib import Path

from bench.training import ending
from bench.training.curves import Diverged
from bench.training.runtime import one_thread
from bench.training.stop import Stopped
from bench.training.trainer import Trainer
from bench.trials.status import ENDED, State, Status, over, owning, read

Turns = Generator[Future[None] | None, None, State]


def run(
    folder: Path, stopping: Callable[[], bool] = lambda: False, seconds: float = math.inf
) -> State:
    """Bring the trial in ``folder`` to an end, from its newest checkpoint if it has one.

    Args:
        folder: holds ``trial.json``; everything that the trial writes goes there.
        stopping: asked after each step and all through a measurement; when true, the trial writes a
            checkpoint and ends as ``interrupted``.
        seconds: of training, after which the trial is left with a checkpoint, still ``running``.

    Returns:
        The state it ended in; ``running`` where another process is at it or the time is over.
    """
    going = turns(folder, stopping, seconds)
    with one_thread():
        while True:
            try:
                next(going)
            except StopIteration as end:
                state: State = end.value
                return state


def turns(
    folder: Path,
    stopping: Callable[[], bool] = lambda: False,
    seconds: float = math.inf,
    aside: Executor | None = None,
) -> Turns:
    """As `run`, a step at each turn, so that several trials can take turns.

    The caller sees to `bench.training.runtime.one_thread`.

    Args:
        folder, stopping, seconds: as of `run`.
        aside: makes the measurements, while others take their turns; by default they are a turn.

    Yields:
        The measurement that has to end before the trial goes on, if there is one.
    """
    with owning(folder) as mine:
        if not mine:
            return "running"
        status = read(folder)
        if not over(folder):
            yield from _guarded(folder, status, stopping, seconds, aside)
        return status.status


def _guarded(
    folder: Path,
    status: Status,
    stopping: Callable[[], bool],
    seconds: float,
    aside: Executor | None,
) -> Generator[Future[None] | None, None, None]:
    """Whatever happens, the journal and the status say how the trial ended."""
    ended = status.status in ENDED
    status.status, status.reason = "running", None
    try:
        status.write(folder)
        session = Trainer(folder, status, ended=ended)
        if not (yield from session.train(stopping, seconds, aside)):
            return
        status.status = "done"
    except Stopped:
        status.status = "interrupted"
    except Diverged as problem:
        status.status, status.reason = "diverged", f"{problem}."
    except Exception as problem:
        status.status, status.reason = "failed", ending.sentence(problem, folder)
        with contextlib.suppress(OSError):
            (folder / "error.txt").write_text(traceback.format_exc())
    ending.close(folder, status)
