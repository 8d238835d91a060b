"""A flow from noise to samples, along a velocity that a network has learnt (Lipman et al. 2023)."""

import copy
import math

import torch
from torch import Tensor, nn

from bench.nn.fast import Linear
from bench.nn.optimisers import update_average
from bench.nn.penalties import share_per_sample

_FREQUENCIES = 16
_STEPS = 25


class Flow(nn.Module):
    """From noise (N, values) to samples (N, *shape) in [−1, 1], in 25 Euler steps.

    It follows a moving average of the velocity network.

    Args:
        shape: of a sample.
        width: of the velocity network.
        decay: of the average, a call of `follow`.
    """

    def __init__(self, shape: tuple[int, ...], width: int, decay: float) -> None:
        super().__init__()
        self.shape, self.decay = shape, decay
        self.values = math.prod(shape)
        self.velocity = Velocity(self.values, width)
        self.average = copy.deepcopy(self.velocity).requires_grad_(False)

    def loss(self, samples: Tensor, noise: Tensor) -> Tensor:
        """E (v(x_t, t) − (x₁ − x₀))², a mean over values (Lipman et al. 2023, eq. 23, σ = 0)."""
        x = samples.flatten(1)
        t = share_per_sample(x)
        error: Tensor = self.velocity(torch.lerp(noise, x, t), t) - (x - noise)
        return error.square().mean()

    def follow(self) -> dict[str, Tensor]:
        """Move the average towards the network; there is nothing to report."""
        update_average(self.average, self.velocity, self.decay)
        return {}

    def forward(self, noise: Tensor) -> Tensor:
        x = noise
        for step in range(_STEPS):
            x = x + self.average(x, torch.full_like(x[:, :1], step / _STEPS)) / _STEPS
        return x.clamp(-1, 1).view(-1, *self.shape)


class Velocity(nn.Module):
    """v(x, t), (N, values), at times t (N, 1) from 0 to 1: three residual blocks."""

    def __init__(self, values: int, width: int) -> None:
        super().__init__()
        self.first = Linear(values + 2 * _FREQUENCIES, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.SiLU(), Linear(width, width)) for _ in range(3)
        )
        self.last = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), Linear(width, values))
        self.register_buffer("frequencies", 2.0 ** torch.arange(_FREQUENCIES) * math.pi / 2**8)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t * self.get_buffer("frequencies")
        hidden = self.first(torch.cat([x, angles.sin(), angles.cos()], 1))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        velocity: Tensor = self.last(hidden)
        return velocity
