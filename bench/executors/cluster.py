"""Many machines: the trials of a sweep as plain tasks of a Ray cluster.

The trials stay this process's own. It holds their folders against other sweeps, sends out what a
trial has written so far and writes down what comes back, one time slice of half a minute after the
other (`bench.executors.remote_worker`). So a folder is at any time what a local trial would have
left: it is shown and mirrored to the tracking server as always, and another executor can go on with
it. When a machine is lost, Ray does the time slice that was going on there again on another one,
from the same files and to the same bits. When the sweep is stopped, what was trained since the last
time slice is given up, and trained again when it goes on.
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
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import paths
from bench.errors import UserError
from bench.executors import Stopping, remote_worker
from bench.training import checkpoint, trial
from bench.training.runtime import WORKER_ENV
from bench.trials import TrialRecord, status

_STRETCH_SECONDS = 30.0
_RETRIES = 3
"""How often a time slice is begun anew whose machine or process was lost."""
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 3.0
"""How long the machines may take to tidy up when the sweep is stopped."""
_REACH_SECONDS = 5.0


def connect(address: str | None, workers: int | None) -> int:
    """Join the cluster at ``address``, or start one on this machine.

    Args:
        address: ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``; None for a cluster of one's own.
        workers: how many trials side by side; one for each core of the cluster by default.

    Returns:
        How many trials side by side.

    Raises:
        UserError: Ray is not installed, or no cluster answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise UserError(
            'The executor ray needs the package ray: pip install "ganbench[ray]", then run the '
            "same command again."
        )
    if address not in (None, "auto"):
        _reach(address)
    _settings(own=address is None)
    import ray

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    own = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        # Ray puts the current folder on every worker's path, before the code that it is given.
        with contextlib.chdir("/"):
            ray.init(
                address or "local",
                **own,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env=_environment(),
            )
    except (ImportError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _refused(address, error) from error
    for number, handler in handlers.items():
        signal.signal(number, handler)
    _without_messages(ray)
    return workers or max(1, int(ray.cluster_resources().get("CPU", 1)))


def _without_messages(ray: Any) -> None:
    """Keep Ray from printing pages about a lost machine into the table; the trials say what counts.

    Ray has no public switch for it. A version without this one prints the pages, and works.
    """
    with contextlib.suppress(AttributeError):
        ray._private.worker._worker_logs_enabled = False


def _settings(own: bool) -> None:
    """What Ray reads from the environment, when it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # A time slice that its machine has no memory for is else begun anew for ever.
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
    if not (host and port.isdecimal() and int(port) < 2**16):
        raise UserError(
            f"'{address}' is not the address of a Ray cluster: write HOST:PORT, as "
            "`ray start --head` prints it."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"No Ray cluster answers at {address} ({_in_short(error)}): start one with `ray "
            "start --head` and give the address that it prints, or leave --ray-address out to use "
            "this machine alone."
        ) from error


def _refused(address: str | None, error: Exception) -> UserError:
    why = _in_short(error)
    if address is None:
        return UserError(
            f"Ray did not start on this machine ({why}): mend that, or use --executor processes."
        )
    return UserError(
        f"The Ray cluster at {address} did not take this process in ({why}): run it on one of the "
        "cluster's own machines with the same versions of Ray and Python, or give "
        "ray://HOST:10001 as the address."
    )


def _environment() -> dict[str, Any]:
    """The code as it stands here, whatever version the machines have; processes fit to train."""
    import bench

    return {"py_modules": [str(Path(bench.__path__[0]))], "env_vars": WORKER_ENV}


class _Sent:
    """A trial on the cluster, held against other sweeps until it is let go."""

    def __init__(self, folder: Path, hold: contextlib.ExitStack) -> None:
        self.folder, self._hold = folder, hold

    def receive(self, ray: Any, task: Any) -> bool:
        """Write down what came back; True where the trial goes on."""
        try:
            _write(self.folder, ray.get(task))
        except ray.exceptions.RayError as problem:
            self.end("failed", _cause(ray, problem))
            return False
        except OSError as problem:
            self.end("failed", str(paths.unwritable(self.folder, problem)))
            return False
        if status.read(self.folder).status == "running":
            return True
        self._hold.close()
        return False

    def end(self, state: status.State, reason: str | None) -> None:
        """Write down that it came to an end here, and let it go."""
        found = status.read(self.folder)
        found.status, found.reason = state, reason
        trial.close(self.folder, found)
        self._hold.close()


def run(folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
    """``workers`` trials side by side on the cluster that `connect` joined, which is left then.

    Trials that another sweep on the same store is running are tried again at the end.
    """
    import ray

    waiting, running = list(folders), dict[Any, _Sent]()
    try:
        send = _sender(ray, {TrialRecord.read(folder).trial.dataset for folder in folders})
        while (waiting or running) and not stopping():
            while len(running) < workers and (taken := _take(waiting)):
                running[send(taken.folder)] = taken
            for task in _ready(ray, running):
                found = running.pop(task)
                if found.receive(ray, task):
                    running[send(found.folder)] = found
        _recall(ray, running)
    finally:
        ray.shutdown()


def _take(waiting: list[Path]) -> _Sent | None:
    """The next trial that has not ended; one that another sweep is at is put to the end."""
    while waiting:
        folder, hold = waiting.pop(0), contextlib.ExitStack()
        if not hold.enter_context(status.owning(folder)):
            waiting.append(folder)
            return None
        if not status.over(folder):
            return _Sent(folder, hold)
        hold.close()
    return None


def _sender(ray: Any, used: set[str]) -> Callable[[Path], Any]:
    """What sends a trial's next time slice to the cluster; the bundle goes there once.

    Args:
        ray: the module.
        used: the names of the data sets.
    """
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(remote_worker.fetched)
    bundle = ray.put(remote_worker.pack(used))

    def send(folder: Path) -> Any:
        found = status.read(folder)
        if found.status != "running":
            found.status, found.reason = "running", None
            found.write(folder)
        return task.remote([ray.put(_files(folder)), bundle], str(folder), _STRETCH_SECONDS)

    return send


def _files(folder: Path) -> remote_worker.Files:
    """What a machine needs to go on with a trial."""
    good = checkpoint.newest(folder, lambda line: print(line, file=sys.stderr)) or ()
    begun = [folder / name for name in ("trial.json", "status.json", "journal.jsonl")]
    return {path.name: path.read_bytes() for path in [*begun, *good] if path.exists()}


def _ready(ray: Any, running: Iterable[Any]) -> list[Any]:
    """The tasks that have ended, waiting half a second for one."""
    tasks = list(running)
    if not tasks:
        time.sleep(_POLL_SECONDS)
        return []
    ready, _ = ray.wait(tasks, timeout=_POLL_SECONDS)
    return list(ready)


def _recall(ray: Any, running: Mapping[Any, _Sent]) -> None:
    """Stop what is going on; what was trained since the last time slice is given up."""
    for task in running:
        ray.cancel(task)
    if running:
        ray.wait(list(running), num_returns=len(running), timeout=_GRACE_SECONDS)
    for sent in running.values():
        sent.end("interrupted", None)


def _write(folder: Path, news: remote_worker.Files) -> None:
    """Each file whole or not at all, and none before those that it speaks of.

    So a crash in between leaves the journal ahead of the checkpoint, which only repeats it, and
    never behind it.
    """

    def rank(name: str) -> tuple[bool, ...]:
        journal, last = name == "journal.jsonl", name == "status.json"
        return last, name.startswith("checkpoint"), journal, name.endswith(".json")

    for name in sorted(news, key=rank):
        with paths.replacing(folder / name) as file:
            file.write(news[name])
    (checkpoint.clear if status.over(folder) else checkpoint.prune)(folder)


def _cause(ray: Any, problem: Exception) -> str:
    """Why a time slice came to nothing, although it was begun several times."""
    known = ray.exceptions
    if isinstance(problem, known.OutOfMemoryError):
        return (
            "Its machine ran out of memory again and again: use fewer --workers, then run the same "
            "command again."
        )
    if isinstance(problem, known.RayTaskError):
        return (
            f"Its machine could not run it ({_in_short(problem.cause)}): mend that there, then "
            "run the same command again."
        )
    return (
        f"Its machine or its process was lost {_RETRIES + 1} times ({type(problem).__name__}): see "
        "to the cluster, then run the same command again and it goes on where it stopped."
    )


def _in_short(error: Exception) -> str:
    """The first sentence of what may be pages."""
    said = re.split(r"\.\s|\n", str(error).strip())[0].rstrip(".:")
    return said or type(error).__name__
