"""Which trials belong to which experiment: ``<store>/experiments/<name>.json``."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import paths
from bench.errors import UserError, unknown


@dataclass(frozen=True)
class ExperimentRecord:
    """What MLflow's experiment says about itself.

    Attributes:
        toml: the experiment as it was run, options included.
        protocol, measure: of its trials (`Trial.protocol_id`, `Trial.measure`).
        command, seeds_option: what a user types to run it, and the value of ``--seeds``.
        keys: of the trials that it consists of now; earlier plans may have had others.
        floor: metric to the value that real held-out training images get at ``n`` samples, which
            is one of the keys; empty where there are fewer such images than samples.
        calibration: one row a known set of images, ``{"row": name, "n": images, metric: value}``.
        description: Markdown, shown above the runs.
        control: the row that every other is compared with; empty for all pairs.
        places: of an experiment with a search, key to the params that say where a trial belongs.
        budget, seed: images at the last evaluation and the seed that the view of the grids shows.
    """

    toml: str
    protocol: str
    measure: str
    command: str = ""
    seeds_option: str = ""
    keys: list[str] = field(default_factory=list)
    floor: dict[str, float] = field(default_factory=dict)
    calibration: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    control: str = ""
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    budget: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Planned:
    """One experiment of the store: its name, the keys of all its plans, and what it says."""

    name: str
    keys: list[str]
    about: ExperimentRecord


def write(name: str, about: ExperimentRecord) -> Path:
    """Record a plan. Keys and places of earlier plans of the same name stay, the rest is replaced.

    Raises:
        UserError: the store cannot be written.
    """
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with paths.lock(path.with_name(".lock")):
            earlier = _load(path) if path.exists() else Planned(name, [], about)
            keys = list(dict.fromkeys([*earlier.keys, *about.keys]))
            about = replace(about, places=earlier.about.places | about.places)
            content = {"name": name, "keys": keys, "about": asdict(about)}
            with paths.replacing(path, "w") as file:
                json.dump(content, file, indent=1)
    except OSError as error:
        raise paths.unwritable(path, error) from error
    return path


def read(name: str) -> Planned:
    """One experiment of this store; a `UserError` where it has none of that name."""
    if not _path(name).exists():
        names = [planned.name for planned in all_planned()]
        raise unknown("experiment in this store", name, names)
    return _load(_path(name))


def all_planned() -> list[Planned]:
    """Every experiment this store has planned, by name."""
    files = sorted((paths.root() / "experiments").glob("*.json"))
    return sorted((_load(file) for file in files), key=lambda planned: planned.name)


def trial_folder(key: str) -> Path:
    """The folder of a trial; a ValueError for what is no key and could lead out of the store."""
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        raise ValueError(f"'{key}' is not the key of a trial.")
    return paths.root() / "trials" / key


def _load(path: Path) -> Planned:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        about = ExperimentRecord(**content["about"])
        return Planned(content["name"], list(content["keys"]), about)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({error}): delete it and run the experiment again, "
            "which finds its finished trials and writes it again."
        ) from error


def _path(name: str) -> Path:
    return paths.root() / "experiments" / f"{paths.safe_filename(name)}.json"
