"""How worker processes are started, wherever temporary files lie."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.executors import forkserver

from .commands import TREE

STARTS = """
from bench.executors import forkserver

forkserver._PRELOADED = ()
chosen = forkserver.context()
forkserver.warm_up(chosen, lambda: False)
first = forkserver.start(chosen, forkserver._nothing)
first.join()
print(chosen.get_start_method(), first.exitcode)
"""


@pytest.mark.parametrize("length", [20, 119])
def test_workers_start_however_long_tmpdir_is(length: int, tmp_path: Path) -> None:
    """A Unix socket's address has room for some hundred bytes."""
    folder = tmp_path / ("x" * max(1, length - len(str(tmp_path)) - 1))
    folder.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(TREE), "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", STARTS], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["forkserver", "0"], done.stderr


def test_without_any_short_folder_workers_are_spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forkserver.tempfile, "gettempdir", lambda: "/" + "x" * 119)
    monkeypatch.setattr(forkserver, "_FOLDERS", ())
    assert forkserver.context().get_start_method() == "spawn"


STOPS = """
from multiprocessing.forkserver import _forkserver as server
from bench.executors import forkserver

forkserver._PRELOADED = ("endless",)
forkserver.warm_up(forkserver.context(), lambda: server._forkserver_pid is not None)
print("ended")
"""


def test_a_stop_does_not_wait_for_what_workers_import(tmp_path: Path) -> None:
    """Nor does the server live on, which would hold the pipe that this reads to its end."""
    (tmp_path / "endless.py").write_text("import signal\nwhile True: signal.pause()\n")
    environ = {**os.environ, "PYTHONPATH": f"{TREE}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", STOPS], env=environ, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.stdout == "ended\n", done.stderr
