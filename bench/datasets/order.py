"""Which images a step sees: a pure function of (seed, step)."""

import torch
from torch import Tensor

from bench import seeding


class Order:
    """An endless deal of ``count`` images, each exactly once an epoch, a new shuffle every epoch.

    A batch may straddle two epochs, so there is never a short one. The deal is the same on every
    ``device``; that is only where it lies.
    """

    def __init__(
        self, count: int, batch: int, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        self._count, self._batch, self._seed, self._device = count, batch, seed, device
        self._epochs: dict[int, Tensor] = {}

    def indices(self, step: int) -> Tensor:
        """The (batch,) int64 indices of step ``step``, counted from 0."""
        return self.block(step, 1)[0]

    def block(self, first: int, steps: int) -> Tensor:
        """The (steps, batch) int64 indices of ``steps`` steps in a row."""
        start, end = first * self._batch, (first + steps) * self._batch
        epochs = range(start // self._count, (end - 1) // self._count + 1)
        deal = torch.cat([self._epoch(epoch) for epoch in epochs])
        offset = start - epochs[0] * self._count
        return deal[offset : offset + end - start].view(steps, self._batch)

    def _epoch(self, epoch: int) -> Tensor:
        if epoch not in self._epochs:
            self._epochs = {k: v for k, v in self._epochs.items() if k == epoch - 1}
            stream = seeding.generator("data", self._seed, epoch)
            self._epochs[epoch] = torch.randperm(self._count, generator=stream).to(self._device)
        return self._epochs[epoch]
