"""Multilayer perceptrons between latents (N, latent) and samples (N, *shape) in [−1, 1]."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.nn.fast import Linear

Hidden = Callable[[int], Sequence[nn.Module]]
"""From a layer's width to what follows its linear map: activation, normalisation, dropout."""


def generator_mlp(widths: Sequence[int], shape: tuple[int, ...], hidden: Hidden) -> nn.Sequential:
    """Latents (N, widths[0]) to samples (N, *shape) through tanh."""
    layers = [m for i, o in pairwise(widths) for m in (Linear(i, o), *hidden(o))]
    last = Linear(widths[-1], math.prod(shape))
    return nn.Sequential(*layers, last, nn.Tanh(), nn.Unflatten(1, shape))


def discriminator_mlp(
    shape: tuple[int, ...],
    widths: Sequence[int],
    hidden: Hidden,
    wrap: Callable[[nn.Module], nn.Module] = lambda layer: layer,
    linear: type[nn.Linear] = Linear,
) -> nn.Sequential:
    """Samples (N, *shape) to logits (N, widths[-1]); ``wrap`` is applied to each linear map."""
    inner = pairwise([math.prod(shape), *widths[:-1]])
    layers = [m for i, o in inner for m in (wrap(linear(i, o)), *hidden(o))]
    return nn.Sequential(nn.Flatten(), *layers, wrap(linear(widths[-2], widths[-1])))


class MinibatchStddev(nn.Module):
    """One more feature: how much the samples of a group differ (Karras et al. 2018, section 3).

    The standard deviation over the group, of each feature, averaged over features: (N, features)
    to (N, features + 1). Real and fake samples must not share a group, so a discriminator with
    this layer sees them in separate passes.
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, features: Tensor) -> Tensor:
        if len(features) % self.group:
            raise UserError(
                f"A batch of {len(features)} cannot be cut into groups of {self.group}: choose a "
                "batch that is a multiple of it."
            )
        groups = features.view(-1, self.group, features.shape[1])
        # The ε keeps the root's gradient finite where all samples of a group are the same.
        spread = (groups.var(1, unbiased=False) + 1e-8).sqrt().mean(1, keepdim=True)
        return torch.cat([features, spread.repeat_interleave(self.group, 0)], 1)
