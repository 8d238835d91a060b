"""The command line's choices for an experiment, ``-o KEY=VALUE`` and ``--seeds``."""

import re
import tomllib
from typing import Any

from bench.errors import UserError


def override(table: dict[str, Any], entry: str) -> str:
    """Set one ``KEY=VALUE`` in an experiment file's table; returns it without blanks.

    ``VARIANT.KEY`` is a key of [variant.VARIANT]; its last dot parts the two. ``common.KEY`` is a
    key of [common], ``search.KEY`` of [search].

    Raises:
        UserError: it is not of this form, or the file holds something else than a table there.
    """
    key, equals, raw = (part.strip() for part in entry.partition("="))
    if not equals or not re.fullmatch(r"[\w.-]+", key) or not re.fullmatch(r"[\w.+-]+", raw):
        raise UserError(f"'-o {entry}' is not KEY=VALUE: write for example -o budget=64000.")
    variant, dot, name = key.rpartition(".")
    place: Any = table
    tables = (variant,) if variant in ("common", "search") else ("variant", variant)
    for part in tables if dot else ():
        place = place.setdefault(part, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise UserError(
            f"'-o {key}=…' names no key: write a key of the experiment (budget), VARIANT.KEY "
            "(wgan.clip), common.KEY (common.width) or search.KEY (search.settings)."
        )
    place[name] = _value(raw)
    return f"{key}={raw}"


def _value(raw: str) -> Any:
    """As TOML reads it, or else Python, which takes .5 for a number; else the text itself."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except ValueError:
        try:
            return float(raw)
        except ValueError:
            return raw


def seeds(option: str) -> int | list[int]:
    """How many (``5``), or which (``0,3,7``; one alone: ``7,``).

    Raises:
        UserError: it is neither.
    """
    try:
        numbers = [int(part) for part in option.removesuffix(",").split(",")]
    except ValueError as error:
        raise UserError(
            f"'--seeds {option}' is not understood: write how many (5) or which (0,3,7)."
        ) from error
    return numbers if "," in option else numbers[0]
