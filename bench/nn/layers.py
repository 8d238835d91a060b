"""Multilayer perceptrons between latents (N, latent) and samples (N, *shape) in [−1, 1]."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

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
    wrap: Callable[[nn.Linear], nn.Module] = lambda layer: layer,
) -> nn.Sequential:
    """Samples (N, *shape) to logits (N, widths[-1]); ``wrap`` is applied to each linear map."""
    inner = pairwise([math.prod(shape), *widths[:-1]])
    layers = [m for i, o in inner for m in (wrap(Linear(i, o)), *hidden(o))]
    return nn.Sequential(nn.Flatten(), *layers, wrap(Linear(widths[-2], widths[-1])))
