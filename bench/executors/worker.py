"""A trial in a process of its own: the process's whole life, and what others do after its death.

``python -m bench.executors.worker FOLDER`` is such a process.
"""

import signal
import sys
from pathlib import Path

from bench import paths
from bench.trials import status
from bench.trials.status import ENDED, State, Status


def train(folder: Path) -> None:
    """Bring a trial to its end, or at SIGTERM or SIGINT to the end of its step."""
    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: received.append(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from bench.training import trial  # torch, which takes seconds

    try:
        trial.run(folder, lambda: bool(received))
    except OSError as problem:  # not even the lock can be written
        sys.exit(str(paths.refused(folder, problem)))


def close(folder: Path, state: State, reason: str | None) -> Status:
    """Write down how a trial ended if its process died without doing so, and tidy it up.

    A trial that some process holds stays as it is. So does one that has an end, and at a stop one
    that did not begin.

    Args:
        folder: of the trial.
        state: ``interrupted`` at a stop, ``failed`` otherwise.
        reason: one sentence.

    Returns:
        How the trial stands; failed where not even its lock can be written.
    """
    from bench.training import checkpoint, trial

    try:
        with status.owning(folder) as mine:
            standing = status.read(folder)
            ended = standing.status in {*ENDED, "failed"}
            if mine and status.over(folder):
                checkpoint.clear(folder)
            elif mine and not ended and (state == "failed" or standing.status == "running"):
                standing.status, standing.reason = state, reason
                trial.close(folder, standing)
            return standing
    except OSError as problem:
        return Status("failed", reason=str(paths.refused(folder, problem)))


if __name__ == "__main__":
    train(Path(sys.argv[1]))
