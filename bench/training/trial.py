"""One trial from its folder to its end, whatever that is; or a step of it at a time."""

import contextlib
import errno
import math
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from pathlib import Path

import torch

from bench import paths
from bench.errors import OUT_OF_MEMORY, UserError
from bench.training import checkpoint
from bench.training.evaluation import Stopped
from bench.training.runtime import one_thread
from bench.training.scalars import Diverged
from bench.training.trainer import Trainer
from bench.trials import event_log
from bench.trials.status import ENDED, State, Status, over, owning, read

Turns = Generator[Future[None] | None, None, State]


def run(
    folder: Path, stopping: Callable[[], bool] = lambda: False, seconds: float = math.inf
) -> State:
    """Bring the trial in ``folder`` to an end, from its newest checkpoint if it has one.

    Args:
        folder: holds ``trial.json``; everything that the trial writes goes there.
        stopping: asked before each step and all through an evaluation; when true, the trial writes
            a checkpoint and ends as ``interrupted``.
        seconds: of training, after which the trial is left with a checkpoint, still ``running``.

    Returns:
        The state it ended in; ``running`` where another process is at it or the time is over.
    """
    steps = turns(folder, stopping, seconds)
    with one_thread():
        while True:
            try:
                next(steps)
            except StopIteration as end:
                state: State = end.value
                return state


def turns(
    folder: Path,
    stopping: Callable[[], bool],
    seconds: float = math.inf,
    aside: Executor | None = None,
) -> Turns:
    """As `run`, a step at each turn, so that several trials can take turns.

    The caller sees to `bench.training.runtime.one_thread`.

    Args:
        folder, stopping, seconds: as of `run`.
        aside: does the evaluations, while others take their turns; by default they are a turn.

    Yields:
        The evaluation that has to end before the trial continues, if there is one.
    """
    with owning(folder) as mine:
        if not mine:
            return "running"
        status = read(folder)
        if over(folder):
            return status.status
        resumable = status.status not in ENDED
        status.status, status.reason = "running", None
        try:
            status.write(folder)
            trainer = Trainer(folder, status, stopping, resumable=resumable)
            yield from _train(trainer, trainer.seconds + seconds, aside)
        except Stopped:
            status.status = "interrupted"
        except Diverged as problem:
            status.status, status.reason = "diverged", f"{problem}."
        except Exception as problem:
            status.status, status.reason = "failed", _sentence(problem, folder)
            with contextlib.suppress(OSError):
                (folder / "error.txt").write_text(traceback.format_exc())
        if status.status != "running":
            close(folder, status)
        return status.status


def _train(
    trainer: Trainer, end: float, aside: Executor | None
) -> Generator[Future[None] | None, None, None]:
    for evaluate in trainer.train():
        if evaluate is not None and aside is not None:
            yield from _evaluated(aside.submit(evaluate))
        elif evaluate is not None:
            evaluate()
        elif trainer.seconds >= end:
            return trainer.save_checkpoint()
        else:
            yield None
    trainer.status.status = "done"


def _evaluated(future: Future[None]) -> Generator[Future[None], None, None]:
    """Wait, a turn at a time, until an evaluation is done."""
    while not future.done():
        yield future
    try:
        future.result()
    finally:
        del future  # its error would hold this frame, and with it the trainer, and that it


def close(folder: Path, status: Status) -> None:
    """Write down how a trial ended: event log, status, and only then go the checkpoints.

    Where the disk has no room even for that, the status on it stays ``running``, the sweep says so,
    and the next one resumes from the newest checkpoint.
    """
    try:
        event_log.EventLog(folder).end(status.status, status.reason)
        status.write(folder)
    except (OSError, UserError) as problem:
        status.status, status.reason = "failed", _sentence(problem, folder)
        with contextlib.suppress(OSError):
            status.write(folder)
    if status.status in ENDED:
        checkpoint.clear(folder)


def _sentence(problem: Exception, folder: Path) -> str:
    """Why a trial failed, and what to do."""
    if isinstance(problem, UserError):
        return str(problem)
    if _short_of_memory(problem):
        return OUT_OF_MEMORY
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
