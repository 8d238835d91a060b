"""Many machines: trials in time slices, each a task of a Ray cluster.

The trials stay this process's own. A thread for each one holds its lock, sends out what the trial
has written so far and writes down what comes back, one time slice of half a minute after the other
(`bench.executors.time_slice`). So a folder is at any time what a local trial would have left: it is
shown and mirrored to MLflow as always, and any executor can resume it. When a machine is lost, Ray
repeats the time slice on another one, from the same files and to the same bits. When the sweep is
stopped, what was trained since the last time slice is lost, and trained again when it resumes.
"""

import contextlib
import importlib.util
import logging
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import paths
from bench.errors import UserError
from bench.executors import Executor, Stopping, register, time_slice, worker
from bench.training import checkpoint
from bench.training.runtime import WORKER_ENV
from bench.trials import TrialRecord, status
from bench.trials.experiment import Experiment
from bench.trials.status import State

_SLICE_SECONDS = 30.0
_RETRIES = 3
"""How often a time slice is repeated whose machine or process was lost."""
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 3.0
"""How long the machines may take to tidy up when the sweep is stopped."""
_REACH_SECONDS = 5.0

Send = Callable[[Path], Any]
"""Sends a trial's next time slice to the cluster; Ray's reference to what will come back."""


@register("ray")
class Ray(Executor):
    """Trials on the cluster at ``address``, or on a cluster of its own on this machine.

    Args:
        address: ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``.
    """

    def prepare(self, experiment: Experiment, workers: int | None) -> int:
        """As of `Executor`; by default a trial runs on each core of the cluster.

        Raises:
            UserError: Ray is not installed, no cluster answers, or a GPU is asked for.
        """
        if experiment.device != "cpu":
            raise UserError(
                f"The executor ray trains on processors only, and device is {experiment.device}: "
                "use --executor streams, or device=cpu."
            )
        if importlib.util.find_spec("ray") is None:
            raise UserError(
                'The executor ray needs the package ray: pip install "ganbench[ray]", then run the '
                "same command again."
            )
        _join(self.address, workers)
        import ray

        return workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        import ray

        used = {TrialRecord.read(folder).trial.dataset for folder in folders}
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(time_slice.task)
        bundle = ray.put(time_slice.bundle(used))

        def send(folder: Path) -> Any:
            return task.remote([ray.put(_files(folder)), bundle], str(folder), _SLICE_SECONDS)

        with ThreadPoolExecutor(workers) as threads:
            list(threads.map(lambda folder: _train(folder, send, stopping), folders))

    def close(self) -> None:
        if ray := sys.modules.get("ray"):
            ray.shutdown()


def _train(folder: Path, send: Send, stopping: Stopping) -> None:
    """The time slices of a trial that no other sweep is training."""
    ending = None
    if stopping():
        return
    with contextlib.suppress(OSError), status.owning(folder) as mine:
        if mine and not status.over(folder):
            ending = _slices(folder, send, stopping)
    if ending:
        worker.close(folder, *ending)


def _slices(folder: Path, send: Send, stopping: Stopping) -> tuple[State, str | None] | None:
    """Train a trial until it ends; how it ended, where it could not write that down itself."""
    import ray

    standing = status.read(folder)
    standing.status, standing.reason = "running", None
    try:
        standing.write(folder)
        while status.read(folder).status == "running":
            task = send(folder)
            while not ray.wait([task], timeout=_POLL_SECONDS)[0]:
                if stopping():
                    ray.cancel(task)
                    ray.wait([task], timeout=_GRACE_SECONDS)
                    return "interrupted", None
            _write(folder, ray.get(task))
    except ray.exceptions.RayError as problem:
        return "failed", _cause(problem)
    except OSError as problem:
        return "failed", str(paths.unwritable(folder, problem))
    return None


def _files(folder: Path) -> time_slice.Files:
    """What a machine needs to resume a trial."""
    good = checkpoint.newest(folder, lambda line: print(line, file=sys.stderr)) or ()
    begun = [folder / name for name in ("trial.json", "status.json", "journal.jsonl")]
    return {path.name: path.read_bytes() for path in [*begun, *good] if path.exists()}


def _write(folder: Path, files: time_slice.Files) -> None:
    """Each file whole or not at all, and none before those that it speaks of.

    So a crash in between leaves the event log ahead of the checkpoint, which only repeats it, and
    never behind it.
    """

    def rank(name: str) -> tuple[bool, ...]:
        log, last = name == "journal.jsonl", name == "status.json"
        return last, name.startswith("checkpoint"), log, name.endswith(".json")

    for name in sorted(files, key=rank):
        with paths.replacing(folder / name) as file:
            file.write(files[name])
    (checkpoint.clear if status.over(folder) else checkpoint.prune)(folder)


def _cause(problem: Exception) -> str:
    """Why a time slice failed, although it was repeated."""
    from ray import exceptions

    if isinstance(problem, exceptions.OutOfMemoryError):
        return (
            "Its machine ran out of memory several times: use fewer --workers, then run the same "
            "command again."
        )
    if isinstance(problem, exceptions.RayTaskError):
        return (
            f"Its machine could not run it ({_in_short(problem.cause)}): fix that there, then run "
            "the same command again."
        )
    return (
        f"Its machine or its process was lost ({type(problem).__name__}; times in a row: "
        f"{_RETRIES + 1}): check the cluster, then run the same command again to resume it."
    )


def _join(address: str | None, workers: int | None) -> None:
    """Join the cluster at ``address``, or start one on this machine."""
    if address not in (None, "auto"):
        _reach(address)
    _configure(own=address is None)
    import ray

    import bench

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    own = {} if address else {"num_cpus": workers, "include_dashboard": False}
    # The code as it stands here, whatever version the machines have; processes fit to train.
    code = {"py_modules": [str(Path(bench.__path__[0]))], "env_vars": WORKER_ENV}
    try:
        # Ray puts the current folder on every worker's path, before the code that it is given.
        with contextlib.chdir("/"):
            ray.init(
                address or "local", **own, log_to_driver=False, logging_level=logging.ERROR,
                runtime_env=code,
            )  # fmt: skip
    except (ImportError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _refused(address, error) from error
    for number, handler in handlers.items():
        signal.signal(number, handler)
    _without_messages(ray)


def _without_messages(ray: Any) -> None:
    """Keep Ray from printing pages about a lost machine into the table; the trials say what counts.

    Ray has no public switch for it. A version without this one prints the pages, and works.
    """
    with contextlib.suppress(AttributeError):
        ray._private.worker._worker_logs_enabled = False


def _configure(own: bool) -> None:
    """What Ray reads from the environment, when it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # A time slice that its machine has no memory for is else repeated for ever.
    os.environ["RAY_task_oom_retries"] = str(_RETRIES)  # noqa: SIM112
    if own:
        # Whoever reaches a cluster can run code on it: keep it to this machine, and to us. The name
        # of the first is of another purpose, but nothing else makes Ray use the loopback address.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    else:
        # Where something else than Ray answers, it is asked for a quarter of an hour by default.
        os.environ["RAY_NUM_REDIS_GET_RETRIES"] = "1"


def _reach(address: str) -> None:
    """Where nobody answers, Ray itself would take minutes to say so."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if not host:
            raise ValueError("it names no host")
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(
            f"No Ray cluster answers at '{address}' ({_in_short(error)}): start one with `ray "
            "start --head` and give the HOST:PORT that it prints, or leave --ray-address out to "
            "use this machine alone."
        ) from error


def _refused(address: str | None, error: Exception) -> UserError:
    if address is None:
        return UserError(
            f"Ray did not start on this machine ({_in_short(error)}): fix that, or use --executor "
            "processes."
        )
    return UserError(
        f"This process could not join the Ray cluster at {address} ({_in_short(error)}): run it on "
        "one of the cluster's own machines with the same versions of Ray and Python, or give "
        "ray://HOST:10001 as the address."
    )


def _in_short(error: Exception) -> str:
    """The first sentence of what may be pages."""
    sentence = re.split(r"\.\s|\n", str(error).strip())[0].rstrip(".:")
    return sentence or type(error).__name__
