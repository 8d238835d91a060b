"""Things found by name: in the files of a room, in plug-in files, in installed packages."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from bench.errors import UserError, unknown

Thing = TypeVar("Thing")
_ALL: "list[Registry[Any]]" = []
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def check_name(kind: str, name: object) -> None:
    """Whether this can be the name of such a thing.

    Raises:
        UserError: it cannot.
    """
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        article = "an" if kind[0] in "aeiou" else "a"
        raise UserError(
            f"{name!r} cannot name {article} {kind}: use up to 100 letters, digits, '_', '-' and "
            "'.'; begin with a letter or a digit."
        )


class Registry(Generic[Thing]):
    """Things of one kind by name. Each is in a file that registers it when it is imported.

    Args:
        kind: what they are, in the singular ("data set").
        room: the package whose files hold those of this repository ("bench.datasets").
        group: of the entry points of installed packages, by default "ganbench.datasets" then.
    """

    def __init__(self, kind: str, room: str, group: str = "") -> None:
        self._kind, self._room = kind, room
        self._group = group or f"ganbench.{room.rpartition('.')[2]}"
        self._things: dict[str, Thing] = {}
        self._by_module: dict[str, dict[str, Thing]] = {}
        _ALL.append(self)

    def add(self, name: str, thing: Thing, module: str) -> None:
        """Make a thing known that ``module`` defines.

        Raises:
            UserError: the name is malformed, or another file or the same one has taken it.
        """
        check_name(self._kind, name)
        for other, things in self._by_module.items():
            taken = name in things and self._things.get(name) is things[name]
            # A plug-in that has changed is another module of the same file.
            if taken and (other == module or _file(other) != _file(module)):
                raise UserError(
                    f"The {self._kind} name '{name}' in {_file(module)} is already taken by "
                    f"{_file(other)}: choose another name."
                )
        self._things[name] = self._by_module.setdefault(module, {})[name] = thing

    def get(self, name: str) -> Thing:
        """The thing of a name.

        Raises:
            UserError: unknown name, with the closest known one.
        """
        if name not in self._things and name in self._files():  # which loads no other file
            importlib.import_module(f"{self._room}.{name}")
        if name not in self._things and name not in self.names():
            raise unknown(self._kind, name, self._things)
        return self._things[name]

    @property
    def loaded(self) -> Mapping[str, Thing]:
        """What was registered so far, by name; imports nothing."""
        return self._things

    def names(self) -> list[str]:
        """All names, sorted; imports the room's files and the entry points.

        Raises:
            UserError: an installed package fails to load.
        """
        for file in self._files():
            importlib.import_module(f"{self._room}.{file}")
        for entry in entry_points(group=self._group):
            try:
                entry.load()
            except UserError:
                raise
            except Exception as error:
                why = " ".join(f"{type(error).__name__}: {error}".split())
                raise UserError(
                    f"The {self._kind}s of the installed package {entry.value} failed to load "
                    f"({why}): fix or uninstall it and run the same command again."
                ) from error
        return sorted(self._things)

    def of_module(self, module: str) -> list[str]:
        """The names that a module registered; from now on they stand for its things again."""
        self._things.update(self._by_module.get(module, {}))
        return list(self._by_module.get(module, {}))

    def _files(self) -> set[str]:
        room = importlib.import_module(self._room)
        return {file.name for file in pkgutil.iter_modules(room.__path__)}


def registered_by(module: str) -> list[str]:
    """The names of all things that a module registered, of whatever kind."""
    return [name for registry in _ALL for name in registry.of_module(module)]


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Where the block fails, everything that it has registered is forgotten again."""
    before = [(r, dict(r._things), {m: dict(t) for m, t in r._by_module.items()}) for r in _ALL]
    try:
        yield
    except BaseException:
        for registry, things, by_module in before:
            registry._things, registry._by_module = things, by_module
        raise


def _file(module: str) -> str:
    return str(getattr(sys.modules.get(module), "__file__", module))
