"""Where worker processes come from: a server that has imported torch once and forks them."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from bench.executors import Stopping

_PRELOADED = ("bench.training.trial", "torch._dynamo", "torchvision.utils")
"""What every worker needs, the first optimiser the second: some ten seconds a trial otherwise."""
_POLL_SECONDS = 0.1
_LONGEST_SOCKET = 103
"""Bytes that the address of a Unix socket may have: 107 on Linux, fewer elsewhere."""
_SOCKET_NAME = len("/pymp-12345678/listener-12345678")
_USUAL_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


def context() -> BaseContext:
    """How workers are started: forked from a server, where the system and its folders have that."""
    if "forkserver" not in multiprocessing.get_all_start_methods() or not _has_room_for_socket():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(list(_PRELOADED))
    return chosen


def warm_up(context: BaseContext, stopping: Stopping) -> None:
    """Wait until the server has imported what workers need, or until a stop is asked for.

    That takes some ten seconds, in which the first start of a worker would not return.

    Raises:
        OSError: the system refuses another process.
    """
    if context.get_start_method() != "forkserver":
        return
    problems: list[Exception] = []

    def start_nothing() -> None:
        try:
            start(context, _nothing).join()
        except Exception as problem:
            problems.append(problem)

    first = threading.Thread(target=start_nothing, daemon=True)
    first.start()
    while first.is_alive() and not stopping():
        first.join(_POLL_SECONDS)
    if first.is_alive():
        _end_server()
    elif problems:
        raise problems[0]


def start(context: BaseContext, work: Callable[..., None], *given: Path) -> BaseProcess:
    """Start a worker, in which Ctrl-C waits until it asks for it.

    The terminal sends it to every process, and in the middle of an import it is a traceback.
    """
    process: BaseProcess = context.Process(target=work, args=given)  # type: ignore[attr-defined]
    with _no_interrupts():
        process.start()
    return process


def _nothing() -> None:
    """What the first worker does."""


def _end_server() -> None:
    """It would go on importing for seconds, and hold the terminal's pipe open meanwhile."""
    pid = getattr(forkserver._forkserver, "_forkserver_pid", None)  # type: ignore[attr-defined]
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Processes started in the block are born with SIGINT blocked; here it waits for the end."""
    resource_tracker.ensure_running()  # before: its own start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _has_room_for_socket() -> bool:
    """Whether there is a temporary folder with a name short enough for the server's socket.

    Where TMPDIR is too long, the usual folders are tried.
    """
    usual = tempfile.gettempdir()
    longest = _LONGEST_SOCKET - _SOCKET_NAME
    for folder in (usual, *_USUAL_FOLDERS):
        if len(os.fsencode(folder)) <= longest and os.access(folder, os.W_OK):
            tempfile.tempdir = folder
            try:
                multiprocessing.util.get_temp_dir()  # which it keeps from then on
            finally:
                tempfile.tempdir = usual
            return True
    return False
