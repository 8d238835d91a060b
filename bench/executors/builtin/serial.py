"""One trial after the other in this process: the executor for a debugger."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.executors import Executor, Stopping, register
from bench.training import trial
from bench.trials.experiment import Experiment


@register("serial")
class Serial(Executor):
    """Trials one after the other."""

    def prepare(self, experiment: Experiment, workers: int | None) -> int:
        return super().prepare(experiment, 1)

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        for folder in folders:
            if not stopping():
                with suppress(OSError):  # its lock cannot be written; the sweep says so
                    trial.run(folder, stopping)
