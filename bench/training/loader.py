"""The device data loader: all that steps are given lies on the GPU, where a graph finds it."""

import torch

from bench import datasets, seeding
from bench.datasets import Samples
from bench.datasets.order import Order
from bench.trials import Trial
from bench.variants import Batch

_BLOCK = 8192
"""Samples in a block of steps: few enough to be quick, many enough that blocks are rare."""


class DeviceDataLoader:
    """The training samples, and the indices and latents of a block of steps at a time.

    They are read under a counter that lies on the device as well, so that a captured step, which
    repeats the very same operations, is given the next batch each time. The order is that of every
    device; the latents are the device's own, a pure function of (seed, block).
    """

    def __init__(self, trial: Trial, samples: Samples, latent: int, device: torch.device) -> None:
        self.steps = max(1, _BLOCK // trial.batch)
        self._dataset, self._seed = datasets.get(trial.dataset), trial.seed
        self._samples = samples.to(device)
        self._order = Order(len(samples), trial.batch, trial.seed, device)
        self._indices = torch.empty(self.steps, trial.batch, dtype=torch.int64, device=device)
        self._latents = torch.empty(self.steps, 2, trial.batch, latent, device=device)
        self._counter = torch.empty(1, dtype=torch.int64, device=device)
        self._generator = torch.Generator(device)
        self._block, self._next = -1, -1

    def seek(self, step: int) -> None:
        """See to it that the next `read` is that of ``step``; it has to be read exactly once."""
        block, row = divmod(step, self.steps)
        if block != self._block:
            self._indices.copy_(self._order.block(block * self.steps, self.steps))
            self._generator.manual_seed(seeding.derive("latent", self._seed, block))
            self._latents.normal_(generator=self._generator)
        if block != self._block or step != self._next:
            self._counter.fill_(row)
        self._block, self._next = block, step + 1

    def read(self, step: int) -> Batch:
        """The batch under the counter, which moves on; nothing of it depends on ``step``."""
        rows = self._indices.index_select(0, self._counter)[0]
        latents = self._latents.index_select(0, self._counter)[0]
        self._counter.add_(1)
        real = self._samples.select(rows)
        return Batch(step, self._dataset.encode(real.values), latents, real.labels)
