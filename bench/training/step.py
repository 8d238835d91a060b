"""A trial's training step: the batch that it is given, what it draws, what it reports."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from bench import datasets, seeding
from bench.datasets import Samples
from bench.datasets.order import Order
from bench.training import runtime
from bench.training.generator import build
from bench.trials import Trial
from bench.variants import Algorithm, Batch

Scalars = dict[str, Tensor]


class TrainingStep(Protocol):
    """An algorithm and the batches it learns from; knows no folder, clock or evaluation."""

    algorithm: Algorithm
    device: torch.device

    def __call__(self, index: int) -> Scalars:
        """Do step ``index``, counted from 0, and return its named scalars."""

    def synchronize(self) -> None:
        """Wait for what was begun; then weights, gradients and scalars may be read."""


def create(trial: Trial, samples: Samples, report: Callable[[str], None]) -> TrainingStep:
    """The training step of a trial, on the device that its protocol names.

    ``report`` receives one line for each thing that the user should know.

    Raises:
        UserError: the machine lacks the trial's device or precision.
    """
    runtime.require(trial.precision, trial.device)
    if trial.device == "cpu":
        return EagerStep(trial, samples)
    from bench.training import cuda, graph_step

    return graph_step.CUDAGraphStep(trial, samples, cuda.Stream(), report)


class EagerStep:
    """Steps on a processor, each one done when it returns."""

    device = torch.device("cpu")

    def __init__(self, trial: Trial, samples: Samples) -> None:
        self.algorithm = build(trial)
        self._trial, self._samples = trial, samples
        self._dataset = datasets.get(trial.dataset)
        self._order = Order(len(samples), trial.batch, trial.seed)
        self._generator = torch.Generator()

    def __call__(self, index: int) -> Scalars:
        batch = self._batch(index)
        with runtime.autocast(self._trial.precision):
            return self.algorithm.step(batch)

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def _batch(self, index: int) -> Batch:
        seed, size = self._trial.seed, self._trial.batch
        real = self._samples.select(self._order.indices(index))
        self._generator.manual_seed(seeding.derive("latent", seed, index))
        latents = torch.randn(2, size, self.algorithm.latent, generator=self._generator)
        torch.default_generator.manual_seed(seeding.derive("layers", seed, index))
        return Batch(index, self._dataset.encode(real.values), latents, real.labels)
