"""Which images a step sees: a pure function of (seed, step)."""

import torch
from torch import Tensor

from bench import streams


class Order:
    """An endless deal of ``count`` images, each exactly once an epoch, a new shuffle every epoch.

    A batch may straddle two epochs, so there is never a short one.
    """

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self._count, self._batch, self._seed = count, batch, seed
        self._epochs: dict[int, Tensor] = {}

    def indices(self, step: int) -> Tensor:
        """The (batch,) int64 indices of step ``step``, counted from 0."""
        start = step * self._batch
        first, last = start // self._count, (start + self._batch - 1) // self._count
        deal = torch.cat([self._epoch(epoch) for epoch in range(first, last + 1)])
        offset = start - first * self._count
        return deal[offset : offset + self._batch]

    def _epoch(self, epoch: int) -> Tensor:
        if epoch not in self._epochs:
            self._epochs = {k: v for k, v in self._epochs.items() if k == epoch - 1}
            stream = streams.generator("data", self._seed, epoch)
            self._epochs[epoch] = torch.randperm(self._count, generator=stream)
        return self._epochs[epoch]
