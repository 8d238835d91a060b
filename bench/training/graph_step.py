"""Steps on a GPU: what a step does is recorded once and then replayed.

A step of these networks is some hundred kernels of a few microseconds; launched one by one from
Python they leave a GPU idle. CUDAGraphStep as one CUDA graph they do not.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor

from bench import datasets, seeding
from bench.datasets import Samples
from bench.training import runtime
from bench.training.generator import build
from bench.training.loader import DeviceDataLoader
from bench.trials import Trial
from bench.variants import Algorithm

_WARM_UP = 3
"""Steps before the first record: allocators and libraries choose in them what to use from then."""

Scalars = dict[str, Tensor]


class Capture(Protocol):
    """What `bench.training.cuda.Capture` offers."""

    def replay(self) -> Scalars: ...
    def show_gradients(self) -> None: ...


class Stream(Protocol):
    """What `bench.training.cuda.Stream` offers."""

    device: torch.device

    def turn(self, seed: int) -> AbstractContextManager[None]: ...
    def record(self, work: Callable[[], Scalars], weights: Sequence[Tensor]) -> Capture: ...
    def synchronize(self) -> None: ...


class CUDAGraphStep:
    """A trial's steps in a stream of a GPU, each a replay of an earlier one that was captured.

    The first steps are done one by one, and so are all of them where the variant's `cycle` is not
    known or a step cannot be recorded; the arithmetic is the same.

    Args:
        trial: what is trained.
        samples: what it is trained on.
        stream: where the steps are computed.
        report: is told why steps are not recorded.
    """

    def __init__(
        self, trial: Trial, samples: Samples, stream: Stream, report: Callable[[str], None]
    ) -> None:
        self.algorithm, self.device = build(trial), stream.device
        self.algorithm.to(self.device)
        self.batch = trial.batch
        self._name, self._seed, self._precision = trial.title, trial.seed, trial.precision
        self._feed = DeviceDataLoader(
            datasets.get(trial.dataset),
            samples,
            self.batch,
            self.algorithm.latent,
            self._seed,
            self.device,
        )
        self._stream, self._report, self._cycle = stream, report, self.algorithm.cycle
        self._done, self._numbers = 0, list[object]()
        self._records: dict[int, Capture] = {}
        self._newest: Capture | None = None
        if self._cycle is None:
            self._one_by_one("after how many of them they repeat is not known (Algorithm.cycle)")

    def step(self, index: int) -> Scalars:
        """Do step ``index``, counted from 0, and return its named scalars."""
        seed = seeding.derive("layers", self._seed, index)
        record = self._record(index, seed)
        with self._stream.turn(seed):
            self._feed.seek(index)
            self._newest, self._done = record, self._done + 1
            return self._plainly(index) if record is None else record.replay()

    def synchronize(self) -> None:
        """Wait for what was begun; then weights, gradients and scalars may be read."""
        self._stream.synchronize()
        if self._newest is not None:
            self._newest.show_gradients()

    def _record(self, index: int, seed: int) -> Capture | None:
        """What to replay for a step; None where it is done one by one."""
        if self._cycle is None:
            return None
        if self._done < max(_WARM_UP, self._cycle):
            self._numbers.append(_numbers(self.algorithm))
            return None
        if any(numbers != self._numbers[0] for numbers in self._numbers):
            self._one_by_one("they change numbers of Python, which a record would hold still")
            return None
        phase = index % self._cycle
        if phase not in self._records:
            try:
                with self._stream.turn(seed):
                    self._records[phase] = self._stream.record(
                        lambda: self._plainly(index), self._weights()
                    )
            except RuntimeError as problem:
                self._one_by_one(" ".join(str(problem).split()))
                return None
        return self._records[phase]

    def _plainly(self, index: int) -> Scalars:
        with runtime.autocast(self._precision, self.device.type):
            return self.algorithm.step(self._feed.read(index))

    def _one_by_one(self, why: str) -> None:
        self._cycle = None
        self._records.clear()
        self._report(f"{self._name}: its steps are launched one by one, not recorded: {why}.")

    def _weights(self) -> list[Tensor]:
        return [w for network in self.algorithm.networks().values() for w in network.parameters()]


def _numbers(algorithm: Algorithm) -> object:
    """The plain values that the algorithm and its optimisers go by."""
    parts = vars(algorithm)
    groups = [
        group
        for part in parts.values()
        if isinstance(part, torch.optim.Optimizer)
        for group in part.param_groups
    ]
    return [
        {name: value for name, value in plain.items() if isinstance(value, int | float | str)}
        for plain in (parts, *groups)
    ]
