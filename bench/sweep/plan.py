"""From an experiment to trial folders: what is done, what remains."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench import catalogue, store
from bench.experiment import Experiment, Trial
from bench.tracking import record
from bench.tracking.cursor import Cursor
from bench.tracking.store import tracking_uri
from bench.training import status

_PACKAGES = (
    "ganbench",
    "torch",
    "torchvision",
    "torchmetrics",
    "numpy",
    "scipy",
    "mlflow",
    "pandas",
)


@dataclass(frozen=True)
class Planned:
    """A trial and its folder in the store."""

    trial: Trial
    folder: Path

    @property
    def status(self) -> status.Status:
        return status.read(self.folder)

    @property
    def ended(self) -> bool:
        return status.over(self.folder)


def plan(experiment: Experiment) -> list[Planned]:
    """Every trial of an experiment, with its place in the store; none is begun."""
    folder = store.root() / "trials"
    return [Planned(trial, folder / trial.key) for trial in experiment.trials()]


def prepare(planned: Sequence[Planned], experiment: Experiment, plugins: Sequence[Path]) -> None:
    """Write ``trial.json`` for the trials that have not ended: what a worker needs, and provenance.

    Raises:
        UserError: the store cannot be written.
    """
    texts = catalogue.plugin_texts(plugins)
    recorded = {
        "experiment": experiment.text,
        "plugins": list(texts),
        "plugin_texts": texts,  # what every worker runs, whatever becomes of the file meanwhile
        "environment": environment(),
        **code(),
    }
    for item in planned:
        if not item.ended:
            record = {
                "key": item.trial.key,
                "identity": item.trial.identity,
                "recorded": {
                    **recorded,
                    "measure": item.trial.measure,
                    "source": catalogue.source_digest(item.trial.variant),
                    "code": catalogue.digests(item.trial.variant),
                },
            }
            try:
                item.folder.mkdir(parents=True, exist_ok=True)
                with store.replacing(item.folder / "trial.json", "w") as file:
                    json.dump(record, file, indent=1)
            except OSError as error:
                raise store.unwritable(item.folder, error) from error


def outdated(planned: Sequence[Planned]) -> list[str]:
    """Variants with ended trials whose code has changed since: their numbers are of older code.

    Raises:
        UserError: a ``trial.json`` is damaged.
    """
    found = set()
    for item in planned:
        path = item.folder / "trial.json"
        if item.ended and path.exists():
            then, name = record.load(item.folder)["recorded"], item.trial.variant
            code, source = catalogue.digests(name), catalogue.source_digest(name)
            if then.get("code", code) != code or then.get("source") != source:
                found.add(name)
    return sorted(found)


def environment() -> dict[str, Any]:
    """Machine and versions, as recorded with each trial."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "absent"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": versions,
    }


def code() -> dict[str, Any]:
    """The commit that the code is at, and whether it was altered since; None outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain")) if commit else None}


def _git(*arguments: str) -> str | None:
    tree = Path(__file__).resolve().parent.parent.parent
    try:
        found = subprocess.run(
            ["git", "-C", str(tree), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if _has_cpuinfo() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _has_cpuinfo() -> bool:
    return Path("/proc/cpuinfo").is_file()


def settled(planned: Sequence[Planned], experiment: str, page: Path) -> bool:
    """Whether every trial has ended, MLflow has all of its journal, and ``page`` is younger."""
    uri = tracking_uri()
    return all(item.ended and _mirrored_before(item, uri, experiment, page) for item in planned)


def _mirrored_before(item: Planned, uri: str, experiment: str, page: Path) -> bool:
    cursor = Cursor(item.folder, uri, experiment)
    if not (page.exists() and cursor.path.exists()):
        return False
    whole = (item.folder / "journal.jsonl").stat().st_size == cursor.offset
    return whole and cursor.path.stat().st_mtime < page.stat().st_mtime
