"""What planning needs of a variant, remembered: its configuration and the digests of its code.

Both follow from the code alone, but to ask the code takes torch, and with it seconds that a dry run
or a sweep with nothing to do would spend on nothing else. So the store keeps the answers for as
long as no file of this package changes. Variants from elsewhere (plug-ins) are always asked.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from bench import paths

_PACKAGE = Path(__file__).parent


def configure(name: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The full configuration of a variant, as `bench.variants.registry.configure` gives it.

    Raises:
        UserError: no such variant, or what it says of the overrides.
    """
    return dict(_entry(name, overrides)["configuration"])


def search_space(name: str) -> dict[str, str]:
    """The search space that a variant's class carries: field to the text of its distribution.

    Raises:
        UserError: no such variant.
    """
    return dict(_entry(name, {})["search_space"])


def fields() -> set[str]:
    """Every field that some variant has."""
    from bench.variants import registry

    return {field for name in registry.names() for field in configure(name, {})}


def digests(name: str) -> dict[str, str]:
    """The sha256 of every file that makes a variant what it is, the one that defines it first.

    Raises:
        UserError: no such variant.
    """
    return dict(_entry(name, {})["digests"])


def plugin_texts(paths: Sequence[Path]) -> dict[str, str]:
    """What each plug-in file held when it was loaded, by its absolute path.

    Raises:
        UserError: a file was not loaded yet, and cannot be.
    """
    if not paths:
        return {}
    from bench.variants import registry

    return {str(path.absolute()): registry.plugin_text(path) for path in paths}


def _entry(name: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    asked = json.dumps([name, overrides], sort_keys=True, default=repr)
    known = _read()
    if asked not in known:
        from bench.variants import registry

        known[asked] = {
            "configuration": registry.configure(name, overrides),
            "digests": registry.digests(name),
            # No attribute of the contract: that file is part of every variant's digests.
            "search_space": dict(getattr(registry.get(name), "search_space", {})),
        }
        if registry.source(name).is_relative_to(_PACKAGE):
            _write(known)
    return dict(known[asked])


def _read() -> dict[str, Any]:
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(_path().read_text())
        if kept["code"] == _code():
            return dict(kept["entries"])
    return {}


def _write(entries: dict[str, Any]) -> None:
    if not paths.root().is_dir():  # a dry run creates no store
        return
    with suppress(OSError), paths.replacing(_path(), "w") as file:
        json.dump({"code": _code(), "entries": entries}, file)


def _path() -> Path:
    return paths.root() / "catalogue.json"


@cache
def _code() -> str:
    """The sha256 of every Python file of the package, names included."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(f"{path.relative_to(_PACKAGE)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
