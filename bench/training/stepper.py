"""A trial's steps: what each one is shown, what it draws for itself, what it reports."""

from typing import Any

import torch
from torch import Tensor

from bench import streams
from bench.data import pixels
from bench.data.order import Order
from bench.training import arithmetic
from bench.training.generator import build
from bench.variants import Batch


class Stepper:
    """An algorithm and the batches it learns from; knows no folder, clock or measurement.

    Args:
        identity: the trial's (`bench.experiment.Trial.identity`).
        images: (N, 1, 28, 28) uint8, what it is trained on.

    Raises:
        UserError: the processor lacks the trial's precision.
    """

    def __init__(self, identity: dict[str, Any], images: Tensor) -> None:
        self.algorithm = build(identity)
        self.batch: int = identity["protocol"]["batch"]
        self._images, self._seed = images, identity["seed"]
        self._order = Order(len(images), self.batch, self._seed)
        self._latents = torch.Generator()
        self._precision: str = identity["protocol"].get("precision", "fp32")
        arithmetic.require(self._precision)

    def step(self, index: int) -> dict[str, Tensor]:
        """Do step ``index``, counted from 0, and return its named scalars."""
        batch = self._batch(index)
        with arithmetic.products_in(self._precision):
            return self.algorithm.step(batch)

    def _batch(self, index: int) -> Batch:
        real = pixels.to_float(self._images[self._order.indices(index)])
        self._latents.manual_seed(streams.derive("latent", self._seed, index))
        shape = (2, self.batch, self.algorithm.latent)
        torch.default_generator.manual_seed(streams.derive("layers", self._seed, index))
        return Batch(index, real, torch.randn(shape, generator=self._latents))
