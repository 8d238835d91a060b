"""Where worker processes come from: a server that has imported torch once and forks them."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from bench.executors import Stopping

_PRELOADED = ("bench.training.trial", "torch._dynamo", "torchvision.utils")
"""What every worker needs, the first optimiser the second: some ten seconds a trial otherwise."""
_POLL_SECONDS = 0.1
_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
_LONGEST_FOLDER = 103 - len("/pymp-12345678/listener-12345678")
"""Bytes: a Unix socket's address may have 107 on Linux and fewer elsewhere."""


def context() -> BaseContext:
    """How workers are started: forked from a server, where the system and its folders have that."""
    if "forkserver" not in multiprocessing.get_all_start_methods() or not _has_room_for_socket():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(list(_PRELOADED))
    return chosen


def _has_room_for_socket() -> bool:
    """Choose a temporary folder with a name short enough for the server's socket, if there is one.

    Where TMPDIR is too long, the usual folders are tried.
    """
    usual = tempfile.gettempdir()
    for folder in (usual, *_FOLDERS):
        if len(os.fsencode(folder)) <= _LONGEST_FOLDER and os.access(folder, os.W_OK):
            tempfile.tempdir = folder
            multiprocessing.util.get_temp_dir()  # which it keeps from then on
            tempfile.tempdir = usual
            return True
    return False


def warm_up(context: BaseContext, stopping: Stopping) -> None:
    """Wait until the server has imported what workers need, or until a stop is asked for.

    That takes some ten seconds, in which the first start of a worker would not return.

    Raises:
        OSError: the system refuses another process.
    """
    if context.get_start_method() != "forkserver":
        return
    thread = ThreadPoolExecutor(1)
    first = thread.submit(lambda: start(context, _nothing).join())
    thread.shutdown(wait=False)
    while not wait([first], _POLL_SECONDS).done:
        if stopping():
            _end_server()
            return
    first.result()


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
    """It would import for seconds, and hold the terminal's pipe open meanwhile."""
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
