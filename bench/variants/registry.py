"""Variants by name: this folder's files, plug-in files and installed entry points."""

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import UserError
from bench.registry import Registry, all_or_nothing, check_name, registered_by
from bench.variants import code, configuration, plugins
from bench.variants.configuration import fields
from bench.variants.contract import Algorithm

Variant = TypeVar("Variant", bound=type[Algorithm])

_VARIANTS: Registry[type[Algorithm]] = Registry("variant", "bench.variants")
_YOUNGEST = 9999
_TEXTS: dict[Path, str] = {}  # what each plug-in file held when it was last loaded
get, names = _VARIANTS.get, _VARIANTS.names

RESERVED = frozenset(
    {
        "variant",
        "algorithm",
        "seed",
        "budget",
        "dataset",
        "dataset_name",
        "ruler",
        "batch",
        "evaluations",
    }
    | {"samples", "precision", "device", "train", "heldout", "test", "shape", "classes"}
)
"""Names that a variant's configuration cannot use: the trial's or the data set's own."""


def register(name: str) -> Callable[[Variant], Variant]:
    """Class decorator that makes a variant known under ``name``.

    Raises:
        UserError: the name is malformed or taken, or a configuration field is not what it must be.
    """
    check_name("variant", name)

    def remember(variant: Variant) -> Variant:
        if taken := RESERVED & fields(variant).keys():
            raise UserError(
                f"The variant '{name}' has a configuration field '{min(taken)}', which is the name "
                "of a trial's own parameter: rename the field."
            )
        configuration.check_defaults(variant, f"The variant '{name}' in {_file(variant)}")
        code.digests(variant)  # now, while the files are as they were imported
        _VARIANTS.add(name, variant, variant.__module__)
        return variant

    return remember


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


@dataclass(frozen=True)
class Description:
    """A variant in a line. Paper and year are None where its docstring names none."""

    name: str
    idea: str
    paper: str | None
    year: int | None
    change: str


def descriptions() -> list[Description]:
    """All variants by idea, the oldest first, and within an idea by year.

    A docstring's first line says what changes and, in brackets, the paper:
    ``Squared errors instead of cross-entropy (Mao et al. 2017).``
    """
    every = [_description(name) for name in names()]
    first = {d.idea: min(e.year or _YOUNGEST for e in every if e.idea == d.idea) for d in every}
    return sorted(every, key=lambda d: (first[d.idea], d.idea, d.year or _YOUNGEST, d.name))


def _description(name: str) -> Description:
    text = summary(name)
    paper = re.search(r" \(([^()]*?(\d{4}))[^()]*\)\.?$", text)
    return Description(
        name,
        get(name).idea,
        paper and paper[1],
        paper and int(paper[2]),
        text[: paper.start()] if paper else text.removesuffix("."),
    )


def load_plugin(path: Path, text: str | None = None) -> list[str]:
    """Run a user's file and return the variants that it registered. This executes the file's code.

    Data sets, figures and executors that it registers are known from then on as well.

    Args:
        path: the file.
        text: what it held when the sweep was planned; by default it is read. Where the same file
            was loaded with another text before, this one takes its place.

    Raises:
        UserError: the file is missing, fails to run, or registers nothing.
    """
    path = path.absolute()
    names()  # a plug-in cannot take a name of this folder
    content = plugins.text(path) if text is None else text
    named = hashlib.sha256(f"{path.resolve()}\0{content}".encode())
    module = f"ganbench_plugin_{named.hexdigest()[:12]}"
    if module not in sys.modules:
        with all_or_nothing():
            plugins.execute(module, path, content)
    if not registered_by(module):
        raise UserError(
            f"The plug-in file {path} registers no variant: decorate its class with "
            '@register("name") from bench.variants, a data set with that of bench.datasets, an '
            "executor with that of bench.executors, a metric with @metric of "
            "bench.evaluation.metrics, or a function that draws a figure with @figure from "
            "bench.analysis.figures."
        )
    _TEXTS[path] = content
    return _VARIANTS.of_module(module)


def plugin_text(path: Path) -> str:
    """What a plug-in file held when it was last loaded here: for `load_plugin` elsewhere.

    Raises:
        UserError: it was not loaded yet, and cannot be.
    """
    if path.absolute() not in _TEXTS:
        load_plugin(path)
    return _TEXTS[path.absolute()]


def _file(variant: type) -> Path:
    return code.file_of(variant.__module__)
