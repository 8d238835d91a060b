"""The whole report: what was measured, as a table for ``results/speed/``, and as JSON."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bench import paths, settings
from bench.executors.plan import plan, prepare
from bench.speed.measurement import measure, spread
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.training import trial
from bench.trials import experiment as experiments
from bench.trials.experiment import Experiment
from bench.trials.provenance import code, environment

TITLES = {
    "tutorial": "tutorials' loop [steps/s]",
    "alone": "one trial alone [steps/s]",
    "machine": "trials side by side, together [steps/s]",
    "gain": "side by side / tutorials' loop",
    "bf16": "side by side in bf16 / in fp32",
    "gflop": "matrix products a step [GFLOP]",
    "sgemm": "peak of matrix products, together [GFLOP/s]",
    "roofline": "share of that peak [%]",
    "point": "a measurement in between [s]",
    "end": "the measurements at the end [s]",
    "share": "measurements' share of a trial [%]",
}
"""The figures of `measure`: name in the JSON to title in the table."""
_STEPS = 200
"""As many as a trial's curves have points at most: a longer trial's record is no larger."""
_PAGE = """\
**{place}, torch {environment[packages][torch]}, Python {environment[python]}**

{table}

* Medians over {rounds} rounds, with lowest and highest in brackets. In each round everything was \
measured once, one after the other, {seconds:g} s each.
* Side by side: {width} {side}. The tutorials' loop (DataLoader with transforms, Sigmoid and \
BCELoss, default optimisers) has the same networks and batch, and torch's default threads.
* The peak is that of single-precision products of square matrices{peak}. The measurements' share \
is at the settings of `{experiment}`.
* Sending a trial's whole record to MLflow took {mirroring:.2g} s of processor time. \
`ganbench --help` answered in {help} s, `ganbench run {experiment} --dry-run` in {dry_run} s.
"""

Report = dict[str, Any]
"""All variants on one machine, with what one needs to know to repeat it: what the JSON holds.
``gpu`` is None where a processor trained; ``mirroring`` is processor seconds."""


def report(
    named: str,
    experiment: Experiment,
    width: int,
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> Report:
    """Measure the variants of an experiment, the first seed of each (`measure`).

    Args:
        named: the experiment as the user names it.
        say: receives a line for each variant.

    Raises:
        UserError: no tutorial's loop is known for a variant.
    """
    trials, variants = experiment.trials(), []
    for first in trials:
        say(f"{first.variant}: {rounds} rounds")
        variants.append(measure(first, width, rounds, seconds))
    return {
        "experiment": experiment.name,
        "environment": environment(),
        "gpu": None if trials[0].device == "cpu" else torch.cuda.get_device_name(),
        "code": code(),
        "width": width,
        "rounds": rounds,
        "seconds": seconds,
        "variants": variants,
        "mirroring": mirroring(named),
        "help": spread([starting("--help") for _ in range(rounds)]),
        "dry_run": spread([starting("run", named, "--dry-run") for _ in range(rounds)]),
    }


def mirroring(experiment: str) -> float:
    """Processor seconds that it takes to send one trial's whole record to a new MLflow store.

    A short trial of the experiment's first variant is trained for it, with curves and pictures as
    any other has, in a store of its own that shares this one's data and reference features.
    """
    store = paths.root()
    with tempfile.TemporaryDirectory() as root, settings.temporarily({settings.STORE: root}):
        for shared in ("data", "reference"):
            (store / shared).mkdir(exist_ok=True)
            (Path(root) / shared).symlink_to(store / shared)
        short = experiments.load(experiment, [f"budget={_STEPS * 64}", "batch=64", "samples=1000"])
        first = plan(short)[0]
        prepare([first], short, [])
        trial.run(first.folder)
        about = ExperimentRecord(
            toml=short.text, protocol=first.trial.protocol_id, measure=first.trial.measure
        )
        publisher = Publisher(f"sqlite:///{root}/speed.db", short.name, about)
        publisher.connect()  # creates the data base: once a store, not once a trial
        started = time.process_time()
        publisher.send(first.folder)
        if publisher.problem:
            raise RuntimeError(publisher.problem)
        return time.process_time() - started


def starting(*arguments: str) -> float:
    """Seconds from typing ``ganbench ARGUMENTS`` to the end of its output."""
    command, started = [sys.executable, "-m", "bench", *arguments], time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=paths.home())
    return time.perf_counter() - started


def markdown(report: Report) -> str:
    """A table with one line a figure and one column a variant, and how it was measured."""
    cores = "{cores} cores of {processor}".format(**report["environment"])
    place, side, peak = cores, "single-threaded processes", ", one process a core"
    if report["gpu"]:
        place, side, peak = f"{report['gpu']} next to {cores}", "trials on streams of one GPU", ""
    texts = {"place": place, "side": side, "peak": peak, "table": _table(report["variants"])}
    return _PAGE.format(**report | texts | {k: _cell(report[k]) for k in ("help", "dry_run")})


def json_text(report: Report) -> str:
    """Every figure with its range, the machine, the versions and the commit."""
    return json.dumps(report, indent=1, allow_nan=False)


def save(report: Report, folder: Path) -> Path:
    """Write ``<machine>.md`` and ``<machine>.json``; returns the former's path.

    The machine is the GPU, or the processor and its cores.
    """
    about = report["environment"]
    name = report["gpu"] or f"{about['processor'] or 'processor'} {about['cores']} cores"
    path = folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.md"
    for ending, content in ((".json", json_text(report) + "\n"), (".md", markdown(report))):
        with paths.replacing(path.with_suffix(ending), "w") as file:
            file.write(content)
    return path


def _table(variants: list[dict[str, Any]]) -> str:
    rows = [["", *(each["variant"] for each in variants)], [":--", *("--:" for _ in variants)]]
    for name, title in TITLES.items():
        unit = 100 if title.endswith("[%]") else 1
        rows.append([title, *(_cell(each[name], unit) for each in variants)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: dict[str, float] | float | None, unit: float = 1) -> str:
    if isinstance(value, dict):
        return "{} [{}–{}]".format(*(f"{unit * each:.3g}" for each in value.values()))
    return "–" if value is None else f"{value:.3g}"
