"""Variants by name: this folder's files, plug-in files and installed entry points."""

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError, create_model

from bench.errors import UserError, unknown
from bench.variants.contract import Algorithm, fields

Variant = TypeVar("Variant", bound=type[Algorithm])

_VARIANTS: dict[str, type[Algorithm]] = {}

RESERVED = frozenset(
    {"variant", "seed", "budget", "dataset", "ruler", "batch", "evaluations", "samples"}
    | {"precision", "device", "train", "heldout", "test"}
)
"""Names that a variant's configuration cannot use: the trial's own parameters in MLflow."""


def register(name: str) -> Callable[[Variant], Variant]:
    """Class decorator that makes a variant known under ``name``.

    Raises:
        UserError: the name is taken by another file, or a configuration field has a reserved name.
    """

    def remember(variant: Variant) -> Variant:
        other = _VARIANTS.get(name)
        if other is not None and _file(other) != _file(variant):
            raise UserError(
                f"The variant name '{name}' in {_file(variant)} is already taken by "
                f"{_file(other)}: choose another name."
            )
        if taken := RESERVED & fields(variant).keys():
            raise UserError(
                f"The variant '{name}' has a configuration field '{min(taken)}', which is the name "
                "of a trial's own parameter: rename the field."
            )
        _VARIANTS[name] = variant
        return variant

    return remember


def names() -> list[str]:
    """All registered names, sorted; imports the folder's files and entry points on first use."""
    _discover()
    return sorted(_VARIANTS)


def get(name: str) -> type[Algorithm]:
    """The class behind a name.

    Raises:
        UserError: unknown name, with the closest known one.
    """
    if name not in names():
        raise unknown("variant", name, names())
    return _VARIANTS[name]


def configure(name: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The full configuration of a variant: its defaults with ``overrides``, checked.

    Raises:
        UserError: a key that the variant does not have, or a value of the wrong type or range.
    """
    known = fields(get(name))
    for key in overrides:
        if key not in known:
            raise unknown(f"key of the variant '{name}'", key, known)
    model = create_model(name, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **known)  # type: ignore[call-overload]
    try:
        return dict(model(**overrides))
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"The value {first['input']!r} does not fit {name}.{first['loc'][0]}: {first['msg']}."
        ) from error


def create(name: str, configuration: Mapping[str, Any]) -> Algorithm:
    """Build a variant; its weights come from torch's default generator as it stands."""
    return get(name)(configuration)


def source(name: str) -> Path:
    """The file that defines a variant."""
    return Path(_file(get(name)))


def source_digest(name: str) -> str:
    """The sha256 of the file that defines a variant: recorded with each trial, not in its key."""
    return hashlib.sha256(source(name).read_bytes()).hexdigest()


def summary(name: str) -> str:
    """The first line of the variant's docstring, or of its file's."""
    variant = get(name)
    text = variant.__dict__.get("__doc__") or sys.modules[variant.__module__].__doc__ or ""
    return text.strip().split("\n")[0]


def load_plugin(path: Path) -> list[str]:
    """Run a user's file and return the names that it registered. This executes the file's code.

    Raises:
        UserError: the file is missing, fails to run, or registers nothing.
    """
    path = path.absolute()
    if not path.is_file():
        raise UserError(f"The plug-in file {path} does not exist: check the path.")
    _discover()
    module = f"ganbench_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if module not in sys.modules:
        _execute(module, path)
    found = [name for name, variant in _VARIANTS.items() if variant.__module__ == module]
    if not found:
        raise UserError(
            f"The plug-in file {path} registers no variant: decorate its class with "
            '@register("name") from bench.variants.'
        )
    return found


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"The plug-in file {path} is not a Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UserError:
        del sys.modules[name]
        raise
    except Exception as error:
        del sys.modules[name]
        raise UserError(
            f"The plug-in file {path} failed to load ({type(error).__name__}: {error}): mend it "
            "and run the same command again."
        ) from error
    return module


def _discover() -> None:
    package = importlib.import_module("bench.variants")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"bench.variants.{module.name}")
    for entry in entry_points(group="ganbench.variants"):
        entry.load()


def _file(variant: type) -> str:
    return inspect.getsourcefile(variant) or variant.__module__
