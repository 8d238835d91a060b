"""Where a number comes from: the commit of the code, the machine, the versions of the packages."""

import contextlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.errors import UserError

_TREE = Path(__file__).resolve().parent.parent.parent
_CODE = ("bench", "pyproject.toml")
"""What can change a number. A fresh table in ``results/`` cannot."""
_PACKAGES = "ganbench torch torchvision torchmetrics numpy scipy mlflow pandas"


class GitError(UserError):
    """git did not answer; the message is its reason, without the folder's path."""


def git(folder: Path, *arguments: str) -> str:
    """What git prints about the checkout in ``folder``.

    Variables such as ``GIT_DIR`` are left out of its environment: they name another checkout.
    Configuration stays, because that is where a user allows the checkout of another owner.

    Raises:
        GitError: git is not installed, the folder is in no checkout, or git refuses.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or "CONFIG" in name
    }
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            env=environment | {"LC_ALL": "C"},
            check=False,
        )
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from error
    if answer.returncode:
        lines = answer.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[0] if lines else f"git ended with status {answer.returncode}"
        raise GitError(reason.removeprefix("fatal: ").replace(str(folder), "."))
    return answer.stdout.decode()


def checkout(folder: Path) -> bool:
    """Whether ``folder`` belongs to a git checkout, readable or not."""
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))


def code() -> dict[str, Any]:
    """The commit that the code is at, and whether the code was altered since.

    Returns:
        ``commit`` and ``dirty``; where the commit is not known both are None and ``no_commit``
        says why.
    """
    try:
        git(_TREE, "ls-files", "--error-unmatch", *_CODE)  # else it is the commit of other code
        commit = git(_TREE, "rev-parse", "HEAD").strip()
        return {"commit": commit, "dirty": bool(git(_TREE, "status", "--porcelain", "--", *_CODE))}
    except GitError as error:
        return {"commit": None, "dirty": None, "no_commit": str(error)}


def environment() -> dict[str, Any]:
    """Machine and versions, as recorded with each trial."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": {package: _version(package) for package in _PACKAGES.split()},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    with contextlib.suppress(OSError):  # Linux alone has this file
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
