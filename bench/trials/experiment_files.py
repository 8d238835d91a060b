"""Where experiment files lie, and the names under which they are recorded."""

import contextlib
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from bench import paths
from bench.errors import UserError, unknown

_LONGEST_NAME = 200  # of the 255 bytes that a folder's name may have
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_EXTENDS = ("variants", "seeds", "description", "search")
"""Keys that may change without the trials before becoming incomparable."""


def folder() -> Path:
    """Where experiments are looked up by name: ``experiments/`` of the checkout or of the current
    folder, else the copy that was installed with ganbench."""
    own = paths.home() / "experiments"
    return own if any(own.glob("*.toml")) else _installed() or own


def _installed() -> Path | None:
    with contextlib.suppress(PackageNotFoundError):
        for file in metadata.files("ganbench") or ():
            if file.match("share/ganbench/experiments/*.toml"):
                return Path(str(file.locate())).resolve().parent
    return None


def names() -> list[str]:
    """The experiments that can be run by name."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def is_shipped(path: Path) -> bool:
    """Whether the file lies in `folder`."""
    return path.resolve().parent == folder().resolve()


def is_path(name_or_path: str) -> bool:
    """Whether this is the path of a file rather than a name."""
    path = Path(name_or_path)
    return path.suffix == ".toml" or path.parent != Path()


def find(name_or_path: str) -> Path:
    """The file of an experiment.

    Raises:
        UserError: there is no such file, or its name cannot name an experiment.
    """
    if is_path(name_or_path):
        path = paths.expanded(name_or_path)
        if not path.is_file():
            raise UserError(f"The experiment file {path} does not exist: check the path.")
        if not _NAME.fullmatch(path.stem):
            raise UserError(
                f"'{path.stem}' cannot name an experiment: use letters, digits, '-' and '_' only."
            )
        return path
    if name_or_path not in names():
        raise unknown("experiment", name_or_path, names())
    return folder() / f"{name_or_path}.toml"


def command(path: Path, shipped: bool, texts: Iterable[str]) -> str:
    """What a user types to run the file with these options.

    A relative path stands as it was typed; an absolute one would tell about the machine.
    """
    file = path.stem if shipped else path.name if path.is_absolute() else str(path)
    return shlex.join(["ganbench", "run", file, *(w for text in texts for w in ("-o", text))])


def named(path: Path, shipped: bool, texts: list[str], table: Mapping[str, Any]) -> str:
    """The name of an experiment: the file's, what sets another file apart, and the options.

    Raises:
        UserError: it is too long for the name of a folder.
    """
    name = path.stem
    if not shipped:
        settings = {key: value for key, value in table.items() if key not in _EXTENDS}
        where = json.dumps([str(path.resolve()), settings], sort_keys=True, default=str)
        name += f"-{hashlib.sha256(where.encode()).hexdigest()[:6]}"
    if texts:
        name += f"@{','.join(texts)}"
    if len(name.encode()) > _LONGEST_NAME:
        raise UserError(
            f"The options -o make the experiment's name longer than {_LONGEST_NAME} characters: "
            f"write them into a copy of {path} and run that."
        )
    return name
