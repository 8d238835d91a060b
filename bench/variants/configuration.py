"""A variant's configuration: its annotated class attributes, their defaults, and other values."""

import copy
import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from bench.errors import UserError, unknown
from bench.variants.contract import Algorithm

_STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=False)
_ALLOWED = "a finite number, True or False, text, None, or a list or tuple of these"


def fields(variant: type[Algorithm]) -> dict[str, tuple[Any, Any]]:
    """The configuration of a variant: name to (type, default), the contract's own fields first.

    Raises:
        UserError: an annotation cannot be evaluated, or an attribute has no default.
    """
    try:
        hints = get_type_hints(variant, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise UserError(
            f"An annotation of the class {variant.__name__} cannot be evaluated ({error}): import "
            "or define the type that it names."
        ) from error
    known = {n: t for n, t in hints.items() if get_origin(t) is not ClassVar and n[0] != "_"}
    if missing := [name for name in known if not hasattr(variant, name)]:
        raise UserError(
            f"The setting '{missing[0]}' of the class {variant.__name__} has no default: give it "
            "one, or annotate it with ClassVar if it is no setting."
        )
    return {name: (kind, getattr(variant, name)) for name, kind in known.items()}


def check_defaults(variant: type[Algorithm], where: str) -> None:
    """See to it that each default can be written down and fits its own annotation.

    Args:
        variant: the class.
        where: names it in the sentence.

    Raises:
        UserError: one does not; the sentence names it and what is allowed.
    """
    for name, (kind, default) in fields(variant).items():
        if problem := _problem(kind, default):
            given = " ".join(repr(default).split())[:80]
            raise UserError(f"{where} has the default {name} = {given}, but {problem}.")


def _problem(kind: Any, default: Any) -> str | None:
    if not _plain(default):
        return f"a setting must be {_ALLOWED}"
    try:
        fitted = fitting(kind, default)
    except ValidationError as error:
        return f"its annotation does not allow that: {error.errors()[0]['msg']}"
    except PydanticUserError:
        return f"its annotation is not the type of a setting, which is {_ALLOWED}"
    return (
        None if _plain(fitted) else f"its annotation turns it into something else than {_ALLOWED}"
    )


def configure(
    name: str, known: Mapping[str, tuple[Any, Any]], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The defaults with ``overrides``, checked.

    Raises:
        UserError: a key that is not known, or a value of the wrong type or range.
    """
    for key in overrides:
        if key not in known:
            raise unknown(f"key of the variant '{name}'", key, known)
    return {
        key: _override(name, key, kind, overrides[key])
        if key in overrides
        else copy.deepcopy(default)
        for key, (kind, default) in known.items()
    }


def _override(name: str, key: str, kind: Any, value: Any) -> Any:
    try:
        return fitting(kind, value)
    except ValidationError as error:
        raise UserError(
            f"The value {value!r} does not fit {name}.{key}: {error.errors()[0]['msg']}."
        ) from error


def fitting(kind: Any, value: Any) -> Any:
    """The value as the annotation has it: 1 is a number for a float, True is not, nor is "1".

    It goes by way of JSON, whose lists are fit for a tuple.

    Raises:
        ValidationError: it does not fit.
        PydanticUserError: the annotation is none of pydantic's.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config=_STRICT)
    return adapter.validate_json(json.dumps(value, default=str))


def _plain(value: Any) -> bool:
    """Whether JSON gives it back as it is, but for tuples, which come back as lists."""
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(part) for key, part in value.items())
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum))
