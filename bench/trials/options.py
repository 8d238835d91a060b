"""The command line's choices for an experiment, ``-o KEY=VALUE`` and ``--seeds``, as values."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from bench.errors import UserError


@dataclass(frozen=True)
class Override:
    """One ``-o KEY=VALUE``.

    Attributes:
        keys: ``("budget",)`` for a key of the experiment, ``("wgan", "clip")`` for a variant's.
        value: as TOML reads it; a text where it is no TOML value.
        text: ``KEY=VALUE``, without blanks around the two.
    """

    keys: tuple[str, ...]
    value: Any
    text: str

    def apply(self, table: dict[str, Any]) -> None:
        """Set the value in an experiment file's table; a variant's goes to [variant.NAME].

        Raises:
            UserError: the file holds something else than a table there.
        """
        if len(self.keys) == 1:
            table[self.keys[0]] = self.value
            return
        variant, key = self.keys
        tables = table.setdefault("variant", {})
        settings = tables.setdefault(variant, {}) if isinstance(tables, dict) else None
        if not isinstance(settings, dict):
            raise UserError(
                f"'-o {variant}.{key}=…' names no key: write a key of the experiment (budget) or "
                "VARIANT.KEY (wgan.clip)."
            )
        settings[key] = self.value


def parse(entry: str) -> Override:
    """Read one ``KEY=VALUE``. The last dot parts a variant from its key.

    Raises:
        UserError: it is not of this form.
    """
    key, equals, raw = entry.partition("=")
    key, raw = key.strip(), raw.strip()
    if not equals or not re.fullmatch(r"[\w.-]+", key) or not re.fullmatch(r"[\w.+-]+", raw):
        raise UserError(f"'-o {entry}' is not KEY=VALUE: write for example -o budget=64000.")
    try:
        value = tomllib.loads(f"value = {raw}")["value"]
    except ValueError:
        value = _number(raw)
    return Override(tuple(key.rsplit(".", 1)), value, f"{key}={raw}")


def _number(raw: str) -> float | str:
    """What is a number for Python but not for TOML, such as .5; else the text itself."""
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
