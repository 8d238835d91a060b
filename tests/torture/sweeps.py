"""A small sweep as a user starts it, and everything that it leaves, in a form to compare."""

import contextlib
import hashlib
import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.trials import event_log

from .zygote import TREE, Command, Zygote

BATCH = 32
_CLOCKS = ("seconds", "_per_s", "mem")


@dataclass(frozen=True)
class Sweep:
    """One store, one folder of results, one command.

    Attributes:
        zygote: what forks the command.
        folder: where both are.
        mnist: the folder that MNIST is fetched from.
        reference: reference statistics that are there already; making them takes a minute.
        evaluations, samples: of each trial.
        executor: which one; ``processes`` runs two trials side by side.
        compares: whether tables and figures are made in the end, as ever.
    """

    zygote: Zygote
    folder: Path
    mnist: Path
    reference: Path
    variants: str
    seeds: int
    budget: int
    evaluations: int = 3
    samples: int = 200
    executor: str = "processes"
    compares: bool = True

    def __post_init__(self) -> None:
        self.store.mkdir(parents=True)
        (self.store / "reference").symlink_to(self.reference)
        (self.folder / "experiments").mkdir()
        quick = (TREE / "experiments" / "quick.toml").read_text()
        (self.folder / "experiments" / "quick.toml").write_text(quick)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def trials(self) -> Path:
        return self.store / "trials"

    @property
    def arguments(self) -> list[str]:
        settings = {"batch": BATCH, "budget": self.budget, "evaluations": self.evaluations,
                    "samples": self.samples}  # fmt: skip
        options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        chosen = ["--variants", self.variants, "--seeds", str(self.seeds)]
        return ["run", "quick", *chosen, "--executor", self.executor, "--workers", "2", *options]

    def start(self) -> Command:
        """Start the command in a process group of its own; its words go to ``log``."""
        return self.zygote.start(self.folder, self._environment(), *self.arguments)

    def finish(self) -> int:
        """Run the command to its end; its exit status."""
        return self.start().wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GANBENCH", "MLFLOW"))}
        return kept | {
            "GANBENCH_STORE": str(self.store),
            "TORTURE_MNIST": str(self.mnist),
            "TORTURE_COMPARES": str(self.compares),
            "PYTHONPATH": str(TREE),
            "COLUMNS": "200",
        }


@dataclass(frozen=True)
class Record:
    """What a sweep left.

    Attributes:
        weights: trial to the sha256 of its generator.
        points: (trial, metric, step) to its values, every row of MLflow's and of the journal's;
            the clocks' values are left out, their rows are not.
        others: how often there is a run of which status, a file in MLflow, an end in a journal.
        rubbish: files that a finished trial has no use for.
    """

    weights: dict[str, str]
    points: dict[tuple[str, str, str, int], list[float]]
    others: "Counter[tuple[str, ...]]"
    rubbish: list[str]


@dataclass(frozen=True)
class Difference:
    """How far a disturbed sweep's record is from an undisturbed one's."""

    lost: int
    duplicated: int
    bits: int
    rubbish: int

    @property
    def none(self) -> bool:
        return self == Difference(0, 0, 0, 0)


def compare(whole: Record, disturbed: Record) -> Difference:
    """Rows and files that are missing or too many, and numbers and weights that are not equal."""
    expected, found = _counted(whole), _counted(disturbed)
    shared = whole.points.keys() & disturbed.points.keys()
    bits = sum(set(whole.points[key]) != set(disturbed.points[key]) for key in shared)
    bits += sum(disturbed.weights.get(t) not in (None, sha) for t, sha in whole.weights.items())
    return Difference(
        lost=(expected - found).total(),
        duplicated=(found - expected).total(),
        bits=bits,
        rubbish=len(disturbed.rubbish),
    )


def _counted(record: Record) -> "Counter[tuple[object, ...]]":
    rows = {key: len(values) for key, values in record.points.items()}
    return Counter({**rows, **record.others, **{("weights", t): 1 for t in record.weights}})


def record(sweep: Sweep) -> Record:
    """Read the trial folders and MLflow's own tables."""
    titles = {path.name: _title(path) for path in sweep.trials.iterdir()}
    points: dict[tuple[str, str, str, int], list[float]] = {}
    others: Counter[tuple[str, ...]] = Counter()
    for where, title, name, step, value in [*_journals(sweep), *_mlflow(sweep, titles)]:
        clock = any(word in name for word in _CLOCKS)
        points.setdefault((where, title, name, step), []).append(0.0 if clock else value)
    with _database(sweep) as rows:
        for key, status, run, place in rows.execute(_RUNS):
            others["run", titles[key], status] += 1
            others.update(("file", titles[key], name) for name in _files(Path(place), run))
    weights = {
        title: hashlib.sha256((sweep.trials / key / "generator.safetensors").read_bytes())
        for key, title in titles.items()
    }
    return Record(
        {title: digest.hexdigest() for title, digest in weights.items()},
        points,
        others,
        [str(p) for p in sweep.trials.rglob("*checkpoint-*") if not p.name.endswith("damaged")],
    )


def _title(folder: Path) -> str:
    identity = json.loads((folder / "trial.json").read_text())["identity"]
    return f"{identity['variant']} seed {identity['seed']}"


def _journals(sweep: Sweep) -> Iterator[tuple[str, str, str, int, float]]:
    for path in sweep.trials.glob("*/journal.jsonl"):
        for entry, _ in event_log.read(path):
            for name, value in entry.get("metrics", {}).items():
                yield "journal", _title(path.parent), name, entry["step"], value


_OF_RUNS = """
FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'ganbench.key'
"""
_RUNS = f"SELECT tags.value, runs.status, runs.run_uuid, runs.artifact_uri {_OF_RUNS}"
_METRICS = f"""
SELECT tags.value, metrics.key, metrics.step, metrics.value {_OF_RUNS}
JOIN metrics ON metrics.run_uuid = runs.run_uuid
"""


@contextlib.contextmanager
def _database(sweep: Sweep) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(sweep.store / "mlflow" / "mlflow.db")) as connection:
        yield connection


def _mlflow(sweep: Sweep, titles: dict[str, str]) -> Iterator[tuple[str, str, str, int, float]]:
    with _database(sweep) as rows:
        for key, name, step, value in rows.execute(_METRICS):
            yield "mlflow", titles[key], name, step, value


def _files(place: Path, run: str) -> Iterator[str]:
    """A run's artifacts; the time in the name of a picture is a clock's."""
    for path in place.rglob("*"):
        if path.is_file():
            yield re.sub(r"timestamp\+\d+", "timestamp", str(path.relative_to(place)))
