"""Who holds a trial: one process at a time, nobody once it is dead, whoever asks meanwhile."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.trials import status

TREE = Path(__file__).resolve().parents[2]
HOLDS = """
import sys
from pathlib import Path
from bench.trials import status

with status.owning(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    """Another process, which has just said that it holds the trial in ``tmp_path``."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    process = subprocess.Popen(
        command, cwd=TREE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_only_one_process_holds_a_trial(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert status.owned(tmp_path)
    with status.owning(tmp_path) as mine:
        assert not mine
    assert status.owned(tmp_path), "a refused owner has taken nothing"
    holder.communicate()
    assert not status.owned(tmp_path)
    with status.owning(tmp_path) as mine:
        assert mine
        assert status.owned(tmp_path), "its own process may ask too"
    assert not status.owned(tmp_path)


def test_a_killed_process_holds_nothing(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    holder.kill()
    holder.communicate()
    assert not status.owned(tmp_path)
    with status.owning(tmp_path) as mine:
        assert mine


def test_asking_creates_nothing(tmp_path: Path) -> None:
    assert not status.owned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_asking_keeps_nobody_from_a_trial(tmp_path: Path) -> None:
    """A sweep's own mirror asks while its workers start."""
    with status.owning(tmp_path):
        pass
    answers: set[bool] = set()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.add(status.owned(tmp_path))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    owners = set()
    for _ in range(50):
        with status.owning(tmp_path) as mine:
            owners.add(mine)
    over.set()
    for asker in askers:
        asker.join()
    assert owners == {True}
    assert answers


def test_who_asks_is_no_owner(tmp_path: Path) -> None:
    with status.owning(tmp_path):
        pass
    answers: list[bool] = []

    def ask() -> None:
        answers.extend(status.owned(tmp_path) for _ in range(50))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(answers) == 150
    assert not any(answers)


def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What filelock would use there outlives a killed process."""

    def missing(handle: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", missing)
    with pytest.raises(OSError, match="Function not implemented"), status.owning(tmp_path):
        pass
