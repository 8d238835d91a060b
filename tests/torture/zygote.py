"""A process that has imported everything and forks the command on request.

Imports are two thirds of what a start of the command costs; a torture starts it some fifty times.
What it forks is the command itself, in a session of its own: only where results go and where MNIST
comes from are this machine's.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

TREE = Path(__file__).parent.parent.parent
_IMPORTED = (
    "bench.executors.run", "torch._dynamo", "torchvision.utils", "mlflow.data",
    "mlflow.store.tracking.sqlalchemy_store",
)  # fmt: skip
_SERVE = "from torture.zygote import serve; serve()"


class Zygote:
    """The harness's end: `start` forks the command."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._started: list[Command] = []

    def start(self, folder: Path, environment: dict[str, str], *arguments: str) -> "Command":
        """Start the command in ``folder``; its words go to the file ``log`` there."""
        order = {"folder": str(folder), "environment": environment, "arguments": arguments}
        self._started.append(Command(self, self.ask({"start": order})))
        return self._started[-1]

    def end(self) -> None:
        """Kill what still runs."""
        for command in self._started:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
                command.wait()

    def ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Command:
    """A started command; ``pid`` is that of its process group too."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self._zygote, self.pid = zygote, pid
        self.status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        if self.status is None:
            self.status = self._zygote.ask({"poll": self.pid})
        return self.status

    def wait(self) -> int:
        while (status := self.poll()) is None:
            time.sleep(0.01)
        return status


@contextlib.contextmanager
def zygote() -> Iterator[Zygote]:
    """A process that is ready to fork, for as long as the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{TREE}:{TREE / 'tests'}"},
        text=True,
        start_new_session=True,
    )
    with process:
        ready = Zygote(process)
        yield ready
        ready.end()


def serve() -> None:
    """The zygote's end: answer one line with one line; a child leaves through the command."""
    for name in _IMPORTED:
        importlib.import_module(name)

    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer: int | None = os.fork()
            if not answer:
                _become(**order["start"])
        else:
            answer = _ended(order["poll"])
        print(json.dumps(answer), flush=True)


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(folder: str, environment: dict[str, str], arguments: list[str]) -> NoReturn:
    """The command, which ends this process."""
    import bench.cli.running
    import bench.paths
    from bench.cli import main
    from bench.datasets import mnist

    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with Path("log").open("a") as log, Path(os.devnull).open() as nothing:
        for place, file in ((0, nothing), (1, log), (2, log)):
            os.dup2(file.fileno(), place)
    bench.paths.home = Path.cwd
    mnist.WAYS["torchvision's mirrors"] = lambda scratch: Path(environment["TORTURE_MNIST"])
    if environment["TORTURE_COMPARES"] == "False":
        bench.cli.running._compare = lambda *given: None
    sys.argv = ["ganbench", *arguments]
    sys.exit(main())
