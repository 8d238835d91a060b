"""A trial's steps: what each one is shown, what it draws for itself, what it reports."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from bench import datasets, seeding
from bench.datasets import Samples
from bench.datasets.order import Order
from bench.training import runtime
from bench.training.cuda import Stream
from bench.training.generator import build
from bench.training.graph_step import CUDAGraphStep
from bench.trials import Trial
from bench.variants import Algorithm, Batch


class TrainingStep(Protocol):
    """An algorithm and the batches it learns from; knows no folder, clock or measurement."""

    algorithm: Algorithm
    batch: int
    device: torch.device

    def step(self, index: int) -> dict[str, Tensor]:
        """Do step ``index``, counted from 0, and return its named scalars."""

    def synchronize(self) -> None:
        """Wait for what was begun; then weights, gradients and scalars may be read."""


def stepper(trial: Trial, samples: Samples, report: Callable[[str], None]) -> TrainingStep:
    """What does the steps of a trial, on the device that its protocol names.

    Args:
        trial: what is trained.
        samples: what it is trained on.
        report: receives one line for each thing worth telling.

    Raises:
        UserError: the machine lacks the trial's device or precision.
    """
    runtime.require(trial.precision, trial.device)
    if trial.device == "cpu":
        return EagerStep(trial, samples)
    return CUDAGraphStep(trial, samples, Stream(), report)


class EagerStep:
    """Steps on a processor, each one done when it returns.

    Args:
        trial: what is trained.
        samples: what it is trained on.
    """

    device = torch.device("cpu")

    def __init__(self, trial: Trial, samples: Samples) -> None:
        self.algorithm = build(trial)
        self.batch = trial.batch
        self._dataset, self._samples = datasets.get(trial.dataset), samples
        self._seed = trial.seed
        self._order = Order(len(samples), self.batch, self._seed)
        self._latents = torch.Generator()
        self._precision = trial.precision

    def step(self, index: int) -> dict[str, Tensor]:
        """Do step ``index``, counted from 0, and return its named scalars."""
        batch = self._batch(index)
        with runtime.autocast(self._precision):
            return self.algorithm.step(batch)

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def _batch(self, index: int) -> Batch:
        real = self._samples.select(self._order.indices(index))
        self._latents.manual_seed(seeding.derive("latent", self._seed, index))
        shape = (2, self.batch, self.algorithm.latent)
        torch.default_generator.manual_seed(seeding.derive("layers", self._seed, index))
        latents = torch.randn(shape, generator=self._latents)
        return Batch(index, self._dataset.encode(real.values), latents, real.labels)
