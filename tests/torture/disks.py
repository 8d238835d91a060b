"""A file system that is too small, and grows when asked to."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

Mounted = Path


def refused() -> str | None:
    """Why no file system can be mounted here; None where it can."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return "only root may mount a small file system"
    with contextlib.suppress(subprocess.CalledProcessError), small(Path("/mnt"), "1m"):
        return None
    return "this system lets nobody mount a file system, not even root"


@contextlib.contextmanager
def small(folder: Path, size: str) -> Iterator[Mounted]:
    """A tmpfs of ``size`` at ``folder`` while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder))


def resize(folder: Path, size: str) -> None:
    _run("mount", "-o", f"remount,size={size}", str(folder))


def read_only(folder: Path) -> None:
    _run("mount", "-o", "remount,ro", str(folder))


def fill(folder: Path) -> Path:
    """Leave not a byte; the file that does it."""
    balloon = folder / "balloon"
    with contextlib.suppress(OSError), balloon.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return balloon


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
