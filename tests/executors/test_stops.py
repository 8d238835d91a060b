"""Stopped by a signal, in training or in a measurement, and how it resumes."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.executors import plan as planning
from bench.executors.builtin import processes
from bench.training import trial
from bench.trials import event_log, status
from bench.trials import experiment as experiments
from bench.trials.status import State, Status
from bench.variants import registry

from .commands import (
    SMALL,
    TREE,
    command,
    environment,
    fresh_store,
    ganbench,
    mlflow_runs,
    records,
    statuses,
)


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll a condition for at most ten minutes: the first sweep of a store measures its floor."""
    deadline = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < deadline, "gave up waiting"
        signal.sigtimedwait([], 0.05)


def stop(
    root: Path, home: Path, arguments: list[str], number: int, moment: Callable[[], bool]
) -> tuple[int, str]:
    """Start the command, send it the signal at ``moment``; its exit status and what it said."""
    running = subprocess.Popen(
        command(*arguments), env=environment(root, home), cwd=home, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        wait_for(moment)
        running.send_signal(number)
        out, _ = running.communicate(timeout=120)
    finally:
        running.kill()
        running.wait()
    return running.returncode, out


@pytest.mark.system
def test_a_signal_ends_it_after_a_step_and_the_same_command_finishes(
    mnist_store: Path, tmp_path: Path
) -> None:
    root = fresh_store(mnist_store, tmp_path / "store")
    arguments = ["run", "quick", "--variants", "mlp_bce", "--seeds", "1", "-o", "budget=38400",
                 "-o", "samples=100", "-o", "evaluations=1"]  # fmt: skip

    def training() -> bool:
        return any(status["images"] > 0 for status in statuses(root).values())

    code, out = stop(root, tmp_path, arguments, signal.SIGTERM, training)
    assert code == 143
    assert "run the same command again to resume" in out
    state = statuses(root)["mlp_bce 0"]
    assert (state["status"], state["reason"]) == ("interrupted", None)
    assert 0 < state["images"] < 38400
    again = ganbench(root, tmp_path, *arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    assert statuses(root)["mlp_bce 0"]["status"] == "done"


@pytest.mark.system
def test_ctrl_c_leaves_the_table_of_what_has_ended_and_the_rest_is_trained_later(
    mnist_store: Path, tmp_path: Path
) -> None:
    root = fresh_store(mnist_store, tmp_path / "store")
    arguments = ["run", "quick", "--variants", "mlp_bce", "--seeds", "2", "--workers", "1", "-o",
                 "budget=64000", "-o", "samples=100", "-o", "evaluations=1"]  # fmt: skip

    def second_seed() -> bool:
        """Trains, and MLflow has been told of the first."""
        images = {name: status["images"] for name, status in statuses(root).items()}
        return images.get("mlp_bce 1", 0) > 0 and any(root.glob("trials/*/published/*.json"))

    code, out = stop(root, tmp_path, arguments, signal.SIGINT, second_seed)
    assert code == 130
    assert "After 1 of 2 seeds" in out
    assert "Table and page of the 1 trial that has ended follow." in out
    (results,) = (root / "results").iterdir()
    row = "| mlp_bce | 1 | 0 |"
    assert row in (results / "table.md").read_text()
    assert "mlp_bce" in (results / "index.html").read_text()
    again = ganbench(root, tmp_path, *arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    assert row.replace("1", "2") in (results / "table.md").read_text()


def children(pid: int) -> list[str]:
    """The command lines of the processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    threads = [path / "children" for path in listed.parent.parent.iterdir()]
    pids = " ".join(path.read_text() for path in threads if path.exists()).split()
    return [Path(f"/proc/{child}/cmdline").read_text() for child in pids]


def loads_torch(pid: int) -> bool:
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def starts_workers(pid: int) -> bool:
    return any("forkserver" in line for line in children(pid))


@pytest.mark.system
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
@pytest.mark.parametrize("moment", [loads_torch, starts_workers])
def test_ctrl_c_while_anything_is_imported_is_a_sentence(
    moment: Callable[[int], bool], mnist_store: Path, tmp_path: Path
) -> None:
    """A terminal sends it to every process of the command, those that import torch too."""
    root = fresh_store(mnist_store, tmp_path / "store")
    running = subprocess.Popen(
        command("run", "quick", "--variants", "mlp_bce", "--seeds", "1", *SMALL),
        env=environment(root, tmp_path), cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: moment(running.pid))
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert "Stopped" in out + err
    assert not any(root.glob("trials/*/journal.jsonl"))


PATIENT = '''
"""At its second measurement it draws until it is let go (2026)."""
from pathlib import Path
import torch
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

HERE = Path(__file__).parent

@register("patient")
class Patient(MLPBCE):
    """Patient."""
    drawn = 0
    def sample(self, n, generator):
        self.drawn += 1
        if self.drawn > 1 and not (HERE / "let go").exists():
            (HERE / "drawing").touch()
            while True:
                torch.zeros(1)
        return super().sample(n, generator)
'''


@pytest.mark.system
def test_a_signal_ends_it_in_the_middle_of_a_measurement(
    mnist_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That measurement would never end by itself, and what it had begun MLflow shows as ended."""
    plugin = tmp_path / "patient.py"
    plugin.write_text(PATIENT)
    arguments = ["run", "quick", "--variants", "patient", "--seeds", "1", "--plugin", str(plugin)]
    root = fresh_store(mnist_store, tmp_path / "store")

    def measuring() -> bool:
        """And what came before it is in MLflow, which takes seconds to open."""
        mirrored = any(root.glob("trials/*/published/*.json"))
        return mirrored and (tmp_path / "drawing").exists()

    code, out = stop(root, tmp_path, [*arguments, *SMALL], signal.SIGINT, measuring)
    assert code == 130
    assert "run the same command again to resume" in out
    state = statuses(root)["patient 0"]
    assert (state["status"], state["reason"]) == ("interrupted", None)
    assert [run.info.status for run in mlflow_runs(root)] == ["KILLED"]
    (tmp_path / "let go").touch()
    again = ganbench(root, tmp_path, *arguments, *SMALL)
    assert again.returncode == 0, again.stdout + again.stderr
    assert [run.info.status for run in mlflow_runs(root)] == ["FINISHED"]
    monkeypatch.setenv("GANBENCH_STORE", str(fresh_store(mnist_store, tmp_path / "other")))
    assert records(root) == undisturbed("patient", plugin)


def undisturbed(variant: str, plugin: Path) -> dict[str, float]:
    """The records of the same trial, trained here in one go."""
    registry.load_plugin(plugin)
    chosen = experiments.select(experiments.load("quick", SMALL[1::2]), [variant], "1")
    (item,) = planning.plan(chosen)
    planning.prepare([item], chosen, [plugin])
    assert trial.run(item.folder) == "done"
    numbers = records(item.folder.parent.parent)
    assert len(numbers) > 60
    return numbers


class Worker:
    """What `processes` knows of a worker that has ended."""

    def __init__(self, exitcode: int) -> None:
        self.exitcode = exitcode

    def join(self) -> None:
        """It has ended."""


@pytest.mark.parametrize(
    ("exitcode", "stopped", "state", "reason"),
    [
        (-signal.SIGKILL, True, "interrupted", "did not stop within 5 s"),
        (-signal.SIGKILL, False, "failed", "because the memory was full"),
        (1, False, "failed", "ended with exit code 1"),
    ],
)
def test_the_end_of_a_killed_worker_stands_in_the_event_log_too(
    exitcode: int, stopped: bool, state: State, reason: str, tmp_path: Path
) -> None:
    """Which is where MLflow learns of it."""
    Status("running").write(tmp_path)
    processes._close(Worker(exitcode), tmp_path, stopped)  # type: ignore[arg-type]
    standing = status.read(tmp_path)
    assert standing.status == state
    assert reason in str(standing.reason)
    ((end, _),) = event_log.read(tmp_path / "journal.jsonl")
    assert (end["status"], end["reason"]) == (state, standing.reason)


def test_a_worker_that_is_stopped_before_it_began_leaves_no_trace(tmp_path: Path) -> None:
    processes._close(Worker(-signal.SIGTERM), tmp_path, True)  # type: ignore[arg-type]
    assert status.read(tmp_path) == Status()
    assert not (tmp_path / "journal.jsonl").exists()


IMPATIENT = """
import os, signal
from rich.console import Console
from bench.executors.run import _signals
from bench.executors.display import view

shown = view(Console())
shown.start()
with _signals():
    os.kill(os.getpid(), signal.SIGINT)
    print("asked", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    print("still here", flush=True)
"""


def test_a_second_signal_gives_the_terminal_its_cursor_back() -> None:
    """The live table hides it, and ends without being asked to tidy up."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(TREE), "TERM": "xterm"}
    child = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how a terminal says that nobody writes to it any more
        os.close(ours)
    assert child.wait() == 130, shown
    assert b"asked" in shown
    assert b"still here" not in shown
    assert b"Stopped at once" in shown
    assert b"\x1b[?25l" in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
