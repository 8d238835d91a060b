"""The record of a trial, ``trial.json``: what it is, and what it was trained with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import paths
from bench.errors import UserError
from bench.trials.trial import Trial

_RECORDED = ("experiment", "environment", "commit", "no_commit", "dirty", "source", "code")
SCHEMA = 2
"""Of ``trial.json``. The first had none; nothing in it has another meaning now."""


@dataclass(frozen=True)
class TrialRecord:
    """A trial and its provenance."""

    trial: Trial
    key: str = ""  # of the trial's folder
    experiment: str = ""  # as TOML, options included
    # Path of each plug-in file to its text, which every worker runs; None in records of older
    # versions, whose files are read again.
    plugins: Mapping[str, str | None] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)  # machine and versions
    commit: str | None = None  # of the code
    no_commit: str | None = None  # git's reason where there is none
    dirty: bool | None = None
    source: str | None = None  # sha256 of the variant's own file
    # File to sha256 of all files that make the variant; empty in older records.
    code: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "TrialRecord":
        """The record in a trial's folder.

        Raises:
            UserError: it is missing, damaged, or of a newer version of ganbench.
        """
        path = folder / "trial.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            schema = content.get("schema", 1)
            if schema <= SCHEMA:
                return cls._of(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path} is missing or damaged ({error}): delete the folder and run the "
                "experiment again, which trains this trial from the beginning."
            ) from error
        raise UserError(
            f"{path} was written by a newer ganbench (schema {schema}, this one reads {SCHEMA}): "
            "install that version, or use another store."
        )

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> "TrialRecord":
        recorded = content["recorded"]
        texts = recorded.get("plugin_texts", {})
        return cls(
            Trial.from_identity(content["identity"]),
            key=content["key"],
            plugins={path: texts.get(path) for path in recorded.get("plugins", [])},
            **{name: recorded[name] for name in _RECORDED if name in recorded},
        )

    def write(self, folder: Path) -> None:
        """Replace the record in a trial's folder; a `UserError` where that cannot be written."""
        try:
            with paths.replacing(folder / "trial.json", "w") as file:
                file.write(self.json())
        except OSError as error:
            raise paths.unwritable(folder, error) from error

    def json(self) -> str:
        """The content of ``trial.json``."""
        recorded = {name: getattr(self, name) for name in _RECORDED}
        recorded |= {
            "plugins": list(self.plugins),
            "plugin_texts": {path: text for path, text in self.plugins.items() if text is not None},
            "measure": self.trial.measure,
        }
        content = {
            "schema": SCHEMA,
            "key": self.key or self.trial.key,
            "identity": self.trial.identity,
            "recorded": recorded,
        }
        return json.dumps(content, indent=1)
