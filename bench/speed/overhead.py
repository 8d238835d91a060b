"""What surrounds the training: sending a trial's record to MLflow, and starting a command."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import paths, settings
from bench.executors.plan import plan, prepare
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.training import trial
from bench.trials import experiment as experiments

_STEPS = 200
"""As many as a trial's curves have points at most: a longer trial's record is no larger."""


def mirroring(experiment: str) -> float:
    """Processor seconds that it takes to send one trial's whole record to a new MLflow store.

    A short trial of the experiment's first variant is trained for it, with curves and pictures as
    any other has, in a store of its own that shares this one's data and reference features.
    """
    with tempfile.TemporaryDirectory() as root:
        for shared in ("data", "reference"):
            (paths.root() / shared).mkdir(exist_ok=True)
            (Path(root) / shared).symlink_to(paths.root() / shared)
        with settings.temporarily({settings.STORE: root}):
            return _mirroring(experiment, f"sqlite:///{root}/speed.db")


def _mirroring(experiment: str, uri: str) -> float:
    short = experiments.load(experiment, [f"budget={_STEPS * 64}", "batch=64", "samples=1000"])
    first = plan(short)[0]
    prepare([first], short, [])
    trial.run(first.folder)
    about = ExperimentRecord(
        toml=short.text, protocol=first.trial.protocol_id, measure=first.trial.measure
    )
    publisher = Publisher(uri, short.name, about)
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
