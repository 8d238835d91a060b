"""A trial in progress: resume, train, evaluate, write down."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import datasets
from bench.errors import UserError
from bench.evaluation.declarations import EACH
from bench.evaluation.suite import Measurement
from bench.training import checkpoint, evaluation, generator, pictures, resuming, step
from bench.training.evaluation import Abandoning, Stopped
from bench.training.scalars import ScalarWindow, check_weights, gradient_norms
from bench.trials import TrialRecord, event_log
from bench.trials.status import Status
from bench.variants import code, registry

_HEARTBEAT_SECONDS = 1.0


class Trainer:
    """A trial in progress, in a folder that this process holds.

    Args:
        status: is kept up to date in the folder.
        stopping: asked before each step and all through an evaluation.
        resumable: False where the trial has ended already but its record has lost lines.
    """

    def __init__(
        self, folder: Path, status: Status, stopping: Callable[[], bool], *, resumable: bool
    ) -> None:
        self.folder, self.status, self.stopping = folder, status, stopping
        self.record = TrialRecord.read(folder)
        self.trial, self.code = self.record.trial, _imported(self.record)
        self.dataset = datasets.get(self.trial.dataset)
        self.evaluator, self.samples = self.dataset.evaluator(), self.dataset.split("train")
        resuming.check(self.trial, self.samples)
        self.training_step = step.create(self.trial, self.samples, _report)
        self.algorithm = self.training_step.algorithm
        self.events, self.window = event_log.EventLog(folder), ScalarWindow(self.trial.steps)
        self.step, self.counts = 0, {"d_steps": 0, "g_steps": 0}
        self.seconds, self.eval_seconds = 0.0, 0.0
        self.saved, self.beat = -1, time.monotonic()
        self.resume(resumable)
        points = _points(self.trial.steps, self.trial.evaluations)
        self.points = {point for point in points if point >= self.step}

    def train(self) -> Iterator[Callable[[], None] | None]:
        """Train until the last evaluation, which is at the end of the budget.

        Yields:
            None after a step, so that several trials can take turns; an evaluation where one is
            due, which the caller does before it asks for more.

        Raises:
            Stopped: ``stopping`` said so; the checkpoint is written.
            Diverged: a number is not finite.
        """
        while self.points:
            if self.stopping():
                self.save_checkpoint()
                raise Stopped
            if self.step in self.points:
                # First the checkpoint, because an evaluation takes seconds: a trial that is stopped
                # or killed in it resumes from here and evaluates again, to the same bits.
                self.save_checkpoint()
                yield self.evaluate
            else:
                self.train_step()
                yield None
        self.finish()

    def train_step(self) -> None:
        """One step of the algorithm, and the curves where a window of them is full."""
        with self._timed():
            scalars = self.training_step(self.step)
            self.counts["d_steps"] += "loss_d" in scalars
            self.counts["g_steps"] += "loss_g" in scalars
            self.window.add(self.step, scalars)
            if self.window.ends_with(self.step):
                self._log_curves(scalars)
            self.step += 1
        # Never by the calendar's clock, which may be set back.
        if time.monotonic() - self.beat > _HEARTBEAT_SECONDS:
            self._heartbeat()

    def evaluate(self) -> None:
        """Sample, measure, draw and log; at the end of the budget by all metrics.

        Raises:
            Stopped: ``stopping`` said so; nothing is logged.
            Diverged: a weight or an image is not finite.
        """
        with Abandoning(self.stopping):
            started, last = time.perf_counter(), self.step == self.trial.steps
            check_weights(self.algorithm.networks(), self.step)
            images = evaluation.samples(self.algorithm, self.trial, self.step)
            labels = self.algorithm.labels(len(images))
            measured = self.evaluator.score(images, final=last, labels=labels)
            files = {"samples": f"samples/{self._images_shown:09d}.png"}
            (self.folder / "samples").mkdir(exist_ok=True)
            picture = self.folder / files["samples"]
            pictures.snapshot(self.algorithm, images, self.dataset, picture)
            if last:
                given = (self.evaluator, self.algorithm, images, self.samples.values)
                files |= pictures.draw(*given, self.trial, self.folder)
            self.eval_seconds += time.perf_counter() - started
            self._log_evaluation(measured, files)
            if last:
                self._log_final(measured)
            self.status.fid = measured.numbers["fid"]
            self.status.modes = int(measured.numbers["modes"])
            self.points.remove(self.step)
            self._heartbeat()

    def finish(self) -> None:
        """Log the best point and the costs, and save the generator's weights."""
        self.events.metrics(0, _best(self.events.path))
        cost = {
            **self.counts,
            "images": self._images_shown,
            "seconds": self.seconds,
            "eval_seconds": self.eval_seconds,
            "images_per_s": self._images_shown / self.seconds,
            "peak_mem_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        self.events.metrics(0, _named("cost", cost))
        generator.save(self.folder, self.algorithm, self.trial, self._images_shown)
        for name in generator.FILES:
            self.events.artifact(name)
        # Another sweep may have planned the trial again meanwhile, with other code.
        self.record.write(self.folder)

    def save_checkpoint(self) -> None:
        """Write all that it takes to resume after the last step."""
        if self.saved != self.step:
            with self._timed():
                self.training_step.synchronize()
            checkpoint.save(self.folder, self.step, self._state())
            self.saved = self.step
        self._heartbeat()

    def resume(self, resumable: bool) -> None:
        """Resume from the newest checkpoint where that is possible, else from the beginning.

        From the beginning the event log is a new one: lines that it has lost come again, to the
        same bits, and lines that other code wrote do not stand next to those of this code.
        """
        saved = checkpoint.load(self.folder, _report)
        state = saved[1] if saved else {}
        if reason := self._unusable(state, resumable):
            _report(f"{reason}: the trial starts from the beginning.")
        if saved is None or reason:
            checkpoint.clear(self.folder)
            self.events.clear()
            return
        self.step = self.saved = saved[0]
        self.algorithm.load(state["algorithm"])
        self.window.load(state["curves"], self.training_step.device)
        self.counts = state["counts"]
        self.seconds, self.eval_seconds = state["seconds"], state["eval_seconds"]

    def _state(self) -> dict[str, Any]:
        return {
            "algorithm": self.algorithm.state(),
            "curves": self.window.state(),
            "counts": self.counts,
            "seconds": self.seconds,
            "eval_seconds": self.eval_seconds,
            "journal": self.events.size,
            "code": self.code,
        }

    def _unusable(self, state: dict[str, Any], resumable: bool) -> str | None:
        """Why the trial cannot resume from a checkpoint; None where nothing speaks against it."""
        if not resumable or self.events.size < state.get("journal", 0):
            return f"The event log {self.events.path} has lost its end"
        if files := code.changed(state.get("code", self.code), self.code):
            return f"{self.trial.title}: the code has changed since its checkpoint ({files})"
        if state and "code" not in state:  # by an older ganbench
            needed = self.algorithm.state().keys() - {"attributes"}
            if lacking := needed - state["algorithm"].keys():
                return f"{self.trial.title}: its checkpoint lacks {min(lacking)}"
        return None

    @property
    def _images_shown(self) -> int:
        return self.step * self.trial.batch

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Training time is that of the trial's own turns, whatever else the process does."""
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started

    def _heartbeat(self) -> None:
        self.status.images, self.status.seconds = self._images_shown, self.seconds
        self.status.measuring = self.eval_seconds
        self.status.write(self.folder)
        self.beat = time.monotonic()

    def _log_curves(self, scalars: step.Scalars) -> None:
        self.training_step.synchronize()
        means = self.window.means()
        # A network that has not moved in this step only has an old gradient to show.
        marks = {"generator": "loss_g", "discriminator": "loss_d"}
        networks = self.algorithm.networks()
        moved = {n: net for n, net in networks.items() if marks.get(n, "loss_g") in scalars}
        means |= gradient_norms(moved, self.step + 1)
        self.events.metrics((self.step + 1) * self.trial.batch, means)

    def _log_evaluation(self, measured: Measurement, files: dict[str, str]) -> None:
        curves = {metric.name for metric in self.evaluator.at(EACH)}
        point = {f"eval/{name}": v for name, v in measured.numbers.items() if name in curves}
        point |= {"eval/seconds": self.seconds} | _named("eval", self.counts)
        self.events.metrics(self._images_shown, point)
        for key, file in files.items():
            self.events.image(self._images_shown, key, file)

    def _log_final(self, measured: Measurement) -> None:
        """The final numbers, and how far other samples would have moved them."""
        self.events.metrics(0, _named("final", measured.numbers))
        self.events.metrics(0, _named("noise", measured.noise))
        self.events.tags({f"ganbench.{name}": text for name, text in measured.texts.items()})


def _imported(record: TrialRecord) -> dict[str, str]:
    """Import the trial's variant, plug-ins as they were planned: the digests of its code.

    Raises:
        UserError: it is not the code that the trial was planned with.
    """
    variant = record.trial.algorithm
    for path, text in record.plugins.items():
        registry.load_plugin(Path(path), text)
    digests = registry.digests(variant)
    if files := code.changed(record.code or digests, digests):
        raise UserError(
            f"The code of '{variant}' has changed since the sweep began ({files}): run the same "
            "command again, which trains this trial with the code as it is now."
        )
    return digests


def _report(line: str) -> None:
    print(line, file=sys.stderr)


def _points(total: int, evaluations: int) -> set[int]:
    """The steps after which a trial is evaluated; fewer than asked where there are fewer steps."""
    return {max(1, round(total * (i + 1) / evaluations)) for i in range(evaluations)}


def _named(section: str, values: dict[str, Any]) -> dict[str, float]:
    return {f"{section}/{name}": value for name, value in values.items()}


def _best(path: Path) -> dict[str, float]:
    """The point of lowest held-out FID as ``best/*``; the test images have no say in the choice."""
    points = [
        (entry["metrics"]["eval/fid_heldout"], entry["step"], entry["metrics"])
        for entry, _ in event_log.read(path)
        if "eval/fid_heldout" in entry.get("metrics", {})
    ]
    _, images, metrics = min(points, key=lambda point: point[:2])
    best = {f"best/{k.removeprefix('eval/')}": v for k, v in metrics.items()}
    return {**best, "best/images": images}
