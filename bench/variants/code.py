"""Which code a variant is: the sha256 of each of its files, taken when the file was imported.

A file may be edited while a sweep runs, so what is on the disk later says nothing of what trained.
"""

import hashlib
import sys
import sysconfig
from pathlib import Path

from bench import nn
from bench.errors import UserError

Digests = dict[str, str]
"""A file's name, without the folders of the machine, to the sha256 of what was imported."""

_imported: dict[str, str] = {}  # by module
_beside: dict[str, Digests] = {}  # by plug-in module: what it loads from its own folder
_neighbours: set[str] = set()  # the modules of all those
_LIBRARIES = [
    Path(sysconfig.get_path(kind)).resolve()
    for kind in ("stdlib", "platstdlib", "purelib", "platlib")
]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_NN = _sha256(b"".join(path.read_bytes() for path in sorted(Path(nn.__path__[0]).glob("*.py"))))


def imported(module: str, content: bytes | None = None) -> str:
    """The sha256 of a module's file as it was when this was first asked, that is at its import.

    Args:
        module: its name in ``sys.modules``.
        content: what is imported, where that is known; else the file is read.

    Raises:
        UserError: the module comes from no file.
    """
    if module not in _imported:
        _imported[module] = _sha256(file_of(module).read_bytes() if content is None else content)
    return _imported[module]


def file_of(module: str) -> Path:
    """The file of a module.

    Raises:
        UserError: it has none.
    """
    path = getattr(sys.modules[module], "__file__", None)
    if path is None:
        raise UserError(
            f"A variant is defined in {module}, which is no file, so no other process can import "
            "it: write it into a Python file and use --plugin."
        )
    return Path(path)


def digests(variant: type) -> Digests:
    """Every file that makes a variant what it is, the one that defines it first.

    These are the files of its class and of the classes it inherits from, what a plug-in has loaded
    from its own folder, and `bench.nn`.
    """
    modules = list(dict.fromkeys(cls.__module__ for cls in variant.__mro__ if _counts(cls)))
    files = {_name(module): imported(module) for module in modules}
    for module in modules:
        files |= _beside.get(module, {})
    return {**files, "bench/nn": _NN}


def changed(before: Digests, after: Digests) -> str:
    """The names of the files in which two states of the code differ; empty where none does."""
    names = sorted(before.keys() | after.keys())
    return ", ".join(name for name in names if before.get(name) != after.get(name))


def remember_neighbours(plugin: str, before: set[str]) -> None:
    """Note what a plug-in has loaded from its own folder and the folders below.

    Args:
        plugin: its module.
        before: the modules that were loaded before it.
    """
    folder, files = file_of(plugin).resolve().parent, {}
    for module in sorted((sys.modules.keys() - before) | _neighbours):
        path = Path(getattr(sys.modules.get(module), "__file__", None) or "").resolve()
        if module != plugin and path.suffix == ".py" and _belongs_to(path, folder):
            files[path.relative_to(folder).as_posix()] = imported(module)
            _neighbours.add(module)
    _beside[plugin] = files


def _belongs_to(path: Path, folder: Path) -> bool:
    inside = path.is_relative_to(folder) and not path.is_relative_to(Path(nn.__path__[0]).parent)
    return inside and not any(path.is_relative_to(library) for library in _LIBRARIES)


def _counts(cls: type) -> bool:
    package = cls.__module__.partition(".")[0]
    return package not in sys.stdlib_module_names and package != "torch"


def _name(module: str) -> str:
    if module.startswith("ganbench_plugin_"):
        return file_of(module).name
    return module.replace(".", "/") + ".py"
