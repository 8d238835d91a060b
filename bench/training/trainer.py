"""A trial in progress: train, measure, write down; go on where it stopped."""

import resource
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from bench import datasets
from bench.errors import UserError
from bench.evaluation import suite
from bench.evaluation.declarations import EACH
from bench.training import checkpoint, curves, evaluation, generator, pictures, resuming
from bench.training.curves import Curves, Diverged
from bench.training.evaluation import Measured
from bench.training.stepping import stepper
from bench.training.stop import Abandoning, Stopped
from bench.trials import TrialRecord, event_log
from bench.trials.status import Status
from bench.variants import code, registry

_HEARTBEAT_SECONDS = 1.0
_CURVES = frozenset(metric.name for metric in suite.at(EACH))


class Trainer:
    """A trial in progress."""

    def __init__(self, folder: Path, status: Status, *, ended: bool) -> None:
        self.folder, self.status = folder, status
        self.record = TrialRecord.read(folder)
        self.code = _imported(self.record)
        self.trial = self.record.trial
        self.total = self.trial.steps
        self.points = _points(self.total, self.trial.evaluations)
        self.dataset = datasets.get(self.trial.dataset)
        self.evaluator = self.dataset.evaluator()
        self.examples = self.dataset.split("train")
        resuming.check(self.trial, self.examples)
        self.stepper = stepper(self.trial, self.examples, _report)
        self.algorithm = self.stepper.algorithm
        self.journal, self.curves = event_log.EventLog(folder), Curves(self.total)
        self.step, self.counts = 0, {"d_steps": 0, "g_steps": 0}
        self.seconds, self.eval_seconds = 0.0, 0.0
        self.measured, self.saved, self.beaten = 0, -1, time.monotonic()
        self._resume(ended)

    def _resume(self, ended: bool) -> None:
        """Go on from the newest checkpoint where that is possible, else from the beginning.

        From the beginning the journal is a new one: lines that it has lost come again, to the same
        bits, and lines that other code wrote do not stand beside those of this code.
        """
        found = checkpoint.load(self.folder, _report)
        step, state = found or (0, {})
        if reason := self._unusable(state, ended):
            _report(f"{reason}: the trial starts from the beginning.")
        if found is None or reason:
            checkpoint.clear(self.folder)
            self.journal.clear()
            return
        self.step = self.saved = step
        self.algorithm.load(state["algorithm"])
        self.curves.load(state["curves"], self.stepper.device)
        self.counts = state["counts"]
        self.seconds, self.eval_seconds = state["seconds"], state["eval_seconds"]

    def _unusable(self, state: dict[str, Any], ended: bool) -> str | None:
        """Why the trial cannot go on from a checkpoint; empty where there is none."""
        if ended or self.journal.size < state.get("journal", 0):
            return f"The journal {self.journal.path} has lost its end"
        if files := code.changed(state.get("code", self.code), self.code):
            return f"{self.trial.title}: the code has changed since its checkpoint ({files})"
        if "code" in state or not state:
            return None
        if lacking := self.algorithm.state().keys() - state["algorithm"].keys() - {"attributes"}:
            return (
                f"{self.trial.title}: its checkpoint lacks {min(lacking)}"  # by an older ganbench
            )
        return None

    def _checkpoint(self) -> None:
        if self.saved == self.step:
            return
        self.stepper.synchronize()
        state = {
            "algorithm": self.algorithm.state(),
            "curves": self.curves.state(),
            "counts": self.counts,
            "seconds": self.seconds,
            "eval_seconds": self.eval_seconds,
            "journal": self.journal.size,
            "code": self.code,
        }
        checkpoint.save(self.folder, self.step, state)
        self.saved = self.step

    def train(
        self, stopping: Callable[[], bool], seconds: float, aside: Executor | None
    ) -> Generator[Future[None] | None, None, bool]:
        """Go to the end of the budget; False where the seconds were over before.

        Raises:
            Stopped: it was asked to stop before.
        """
        end = self.seconds + seconds
        while self.measured < self.total:
            if stopping():
                self._checkpoint()
                raise Stopped
            if self.step in self.points and self.measured < self.step:
                # First, because a measurement takes seconds: a trial that is stopped or killed in
                # it goes on from here and measures again, to the same bits.
                self._timed(self.stepper.synchronize)
                self._checkpoint()
                self._heartbeat()
                yield from _measuring(partial(self._evaluate, stopping), aside)
                self.measured = self.step
            else:
                self._timed(self._one_step)
                if self.seconds >= end:
                    self._checkpoint()
                    self._heartbeat()
                    return False
            yield None
        self._finish()
        return True

    def _timed(self, work: Callable[[], None]) -> None:
        """The trial's seconds are those of its turns: beside others, its share of the machine's."""
        started = time.perf_counter()
        work()
        self.seconds += time.perf_counter() - started
        # Never by the calendar's clock, which may be set back.
        if time.monotonic() - self.beaten > _HEARTBEAT_SECONDS:
            self._heartbeat()

    def _one_step(self) -> None:
        measured = self.stepper.step(self.step)
        self.counts["d_steps"] += "loss_d" in measured
        self.counts["g_steps"] += "loss_g" in measured
        self.curves.add(self.step, measured)
        if self.curves.due(self.step):
            self._write_curves(measured)
        self.step += 1

    def _write_curves(self, measured: dict[str, Tensor]) -> None:
        self.stepper.synchronize()
        means = self.curves.flush()
        # A network that has not moved in this step only has an old gradient to show.
        marks = {"generator": "loss_g", "discriminator": "loss_d"}
        networks = self.algorithm.networks()
        moved = {n: net for n, net in networks.items() if marks.get(n, "loss_g") in measured}
        means |= curves.gradients(moved, self.step + 1)
        self.journal.metrics((self.step + 1) * self.trial.batch, means)

    def _heartbeat(self) -> None:
        self.status.images, self.status.seconds = self.step * self.trial.batch, self.seconds
        self.status.measuring = self.eval_seconds
        self.status.write(self.folder)
        self.beaten = time.monotonic()

    def _evaluate(self, stopping: Callable[[], bool]) -> None:
        with Abandoning(stopping):
            self._measure()

    def _measure(self) -> None:
        started = time.perf_counter()
        curves.weights(self.algorithm.networks(), self.step)
        images = self._samples()
        last = self.step == self.total
        measured = evaluation.measure(self.evaluator, images, last=last)
        shown = self.step * self.trial.batch
        name = f"samples/{shown:09d}.png"
        (self.folder / name).parent.mkdir(exist_ok=True)
        self.dataset.draw(images, self.folder / name)
        drawn = {"samples": name} | (self._pictures(images) if last else {})
        self.eval_seconds += time.perf_counter() - started
        self.journal.metrics(shown, self._point(measured.values))
        for key, file in drawn.items():
            self.journal.image(shown, key, file)
        if last:
            self._last_words(measured)
        self.status.fid = measured.values["fid"]
        self.status.modes = int(measured.values["modes"])
        self._heartbeat()

    def _samples(self) -> Tensor:
        try:
            return evaluation.samples(self.algorithm, self.trial)
        except Diverged as problem:
            raise Diverged(f"{problem} at step {self.step}") from problem

    def _pictures(self, images: Tensor) -> dict[str, str]:
        return pictures.draw(
            self.evaluator, self.algorithm, images, self.examples.values, self.trial, self.folder
        )

    def _last_words(self, measured: Measured) -> None:
        """The final numbers, and how far other samples would have moved them."""
        for section, values in (("final", measured.values), ("noise", measured.noise)):
            self.journal.metrics(0, {f"{section}/{name}": v for name, v in values.items()})
        self.journal.tags({f"ganbench.{name}": value for name, value in measured.words.items()})

    def _point(self, measured: dict[str, float]) -> dict[str, float]:
        point = {f"eval/{name}": value for name, value in measured.items() if name in _CURVES}
        return point | {"eval/seconds": self.seconds} | _named("eval", self.counts)

    def _finish(self) -> None:
        """The best point, the costs, and the generator's weights."""
        shown = self.total * self.trial.batch
        self.journal.metrics(0, _best(self.journal.path))
        self.journal.metrics(0, _named("cost", self.counts) | self._cost(shown))
        generator.save(self.folder, self.algorithm, self.trial, shown)
        for name in generator.FILES:
            self.journal.artifact(name)
        # Another sweep may have planned the trial again meanwhile, with other code.
        self.record.write(self.folder)

    def _cost(self, shown: int) -> dict[str, float]:
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "cost/images": shown,
            "cost/seconds": self.seconds,
            "cost/eval_seconds": self.eval_seconds,
            "cost/images_per_s": shown / self.seconds,
            "cost/peak_mem_mb": peak_kib / 1024,
        }


def _measuring(
    work: Callable[[], None], aside: Executor | None
) -> Generator[Future[None], None, None]:
    if aside is None:
        return work()
    measurement = aside.submit(work)
    while not measurement.done():
        yield measurement
    try:
        measurement.result()
    finally:
        del measurement  # its error would hold this frame, and with it the session, and that it


def _imported(record: TrialRecord) -> dict[str, str]:
    """Import the trial's variant, plug-ins as they were planned: the digests of its code.

    Raises:
        UserError: it is not the code that the trial was planned with.
    """
    variant = record.trial.variant
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
    """The steps after which a trial is measured; fewer than asked where there are fewer steps."""
    return {max(1, round(total * (i + 1) / evaluations)) for i in range(evaluations)}


def _named(section: str, values: dict[str, int]) -> dict[str, float]:
    return {f"{section}/{name}": value for name, value in values.items()}


def _best(path: Path) -> dict[str, float]:
    """The point of lowest held-out FID as ``best/*``; the test images have no say in the choice."""
    points = [
        (entry["metrics"]["eval/fid_heldout"], entry["step"], entry["metrics"])
        for entry, _ in event_log.read(path)
        if "eval/fid_heldout" in entry.get("metrics", {})
    ]
    _, shown, metrics = min(points, key=lambda point: point[:2])
    best = {f"best/{k.removeprefix('eval/')}": v for k, v in metrics.items()}
    return {**best, "best/images": shown}
