"""Variants by name: this folder's files, plug-in files and installed entry points."""

import hashlib
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UserError, unknown
from bench.registry import registered_by
from bench.variants import code, configuration, plugins
from bench.variants.configuration import fields
from bench.variants.contract import Algorithm

Variant = TypeVar("Variant", bound=type[Algorithm])

_VARIANTS: dict[str, type[Algorithm]] = {}
_PLUGINS: dict[str, dict[str, type[Algorithm]]] = {}  # what each plug-in's module registered
_TEXTS: dict[Path, str] = {}  # what each plug-in file held when it was last loaded
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

RESERVED = frozenset(
    {"variant", "seed", "budget", "dataset", "dataset_name", "ruler", "batch", "evaluations"}
    | {"samples", "precision", "device", "train", "heldout", "test", "shape", "classes"}
)
"""Names that a variant's configuration cannot use: the trial's or the data set's own."""


def register(name: str) -> Callable[[Variant], Variant]:
    """Class decorator that makes a variant known under ``name``.

    Raises:
        UserError: the name is malformed or taken, or a configuration field is not what it must be.
    """
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise UserError(
            f"{name!r} cannot name a variant: use up to 100 letters, digits, '_', '-' and '.', of "
            "which the first is a letter or a digit."
        )

    def remember(variant: Variant) -> Variant:
        _check_name(name, variant)
        if taken := RESERVED & fields(variant).keys():
            raise UserError(
                f"The variant '{name}' has a configuration field '{min(taken)}', which is the name "
                "of a trial's own parameter: rename the field."
            )
        configuration.check_defaults(variant, f"The variant '{name}' in {_file(variant)}")
        code.digests(variant)  # now, while the files are as they were imported
        _VARIANTS[name] = variant
        return variant

    return remember


def _check_name(name: str, variant: type[Algorithm]) -> None:
    other = _VARIANTS.get(name)
    if other is None:
        return
    if _file(other).resolve() != _file(variant).resolve():
        raise UserError(
            f"The variant name '{name}' in {_file(variant)} is already taken by "
            f"{_file(other)}: choose another name."
        )
    if other.__module__ == variant.__module__:  # a plug-in that has changed is another module
        raise UserError(
            f"{_file(variant)} registers two classes as '{name}' ({other.__name__} and "
            f"{variant.__name__}): give each a name of its own."
        )


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
    return configuration.configure(name, fields(get(name)), overrides)


def create(
    name: str, configuration: Mapping[str, Any], shape: tuple[int, ...], classes: int
) -> Algorithm:
    """Build a variant; its weights come from torch's default generator as it stands.

    Args:
        name: the variant's.
        configuration: all of it, as `configure` returns it.
        shape: of one sample of the data set.
        classes: of the data set, 0 where samples have no labels.
    """
    return get(name)({**configuration, "shape": shape, "classes": classes})


def source(name: str) -> Path:
    """The file that defines a variant."""
    return _file(get(name))


def digests(name: str) -> code.Digests:
    """The sha256 of every file that makes the variant what it is, as they were imported.

    The file that defines it comes first.
    """
    return code.digests(get(name))


def summary(name: str) -> str:
    """The first line of the variant's docstring, or of its file's."""
    variant = get(name)
    text = variant.__dict__.get("__doc__") or sys.modules[variant.__module__].__doc__ or ""
    return text.strip().split("\n")[0]


def load_plugin(path: Path, text: str | None = None) -> list[str]:
    """Run a user's file and return the variants that it registered. This executes the file's code.

    Data sets and figures that it registers are known from then on as well.

    Args:
        path: the file.
        text: what it held when the sweep was planned; by default it is read. Where the same file
            was loaded with another text before, this one takes its place.

    Raises:
        UserError: the file is missing, fails to run, or registers nothing.
    """
    path = path.absolute()
    _discover()
    content = plugins.text(path) if text is None else text
    named = hashlib.sha256(f"{path.resolve()}\0{content}".encode())
    module = f"ganbench_plugin_{named.hexdigest()[:12]}"
    if module not in sys.modules:
        _PLUGINS[module] = _registered_by(module, path, content)
    if not _PLUGINS[module] and not registered_by(module):
        raise UserError(
            f"The plug-in file {path} registers no variant: decorate its class with "
            '@register("name") from bench.variants, a data set with that of bench.datasets, a '
            "metric with @metric of bench.evaluation.metrics, or a function that draws a figure "
            "with @figure from bench.analysis.figures."
        )
    _VARIANTS.update(_PLUGINS[module])
    _TEXTS[path] = content
    return list(_PLUGINS[module])


def plugin_text(path: Path) -> str:
    """What a plug-in file held when it was last loaded here: for `load_plugin` elsewhere.

    Raises:
        UserError: it was not loaded yet, and cannot be.
    """
    if path.absolute() not in _TEXTS:
        load_plugin(path)
    return _TEXTS[path.absolute()]


def _registered_by(module: str, path: Path, content: str) -> dict[str, type[Algorithm]]:
    before = dict(_VARIANTS)
    try:
        plugins.execute(module, path, content)
    except BaseException:
        _VARIANTS.clear()
        _VARIANTS.update(before)
        raise
    return {name: variant for name, variant in _VARIANTS.items() if variant.__module__ == module}


def _discover() -> None:
    package = importlib.import_module("bench.variants")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"bench.variants.{module.name}")
    for entry in entry_points(group="ganbench.variants"):
        plugins.load_installed(entry)


def _file(variant: type) -> Path:
    return code.file_of(variant.__module__)
