"""Multilayer perceptrons between latents (N, latent) and images (N, 1, 28, 28) in [−1, 1]."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from bench.nn.fast import Linear

Hidden = Callable[[int], Sequence[nn.Module]]
"""From a layer's width to what follows its linear map: activation, normalisation, dropout."""


def generator_mlp(widths: Sequence[int], hidden: Hidden) -> nn.Sequential:
    """Latents (N, widths[0]) to images (N, 1, 28, 28) through tanh; widths[-1] is 784."""
    layers = [m for i, o in pairwise(widths[:-1]) for m in (Linear(i, o), *hidden(o))]
    last = Linear(widths[-2], widths[-1])
    return nn.Sequential(*layers, last, nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def discriminator_mlp(
    widths: Sequence[int],
    hidden: Hidden,
    wrap: Callable[[nn.Linear], nn.Module] = lambda layer: layer,
) -> nn.Sequential:
    """Images (N, 1, 28, 28) to logits (N, widths[-1]); ``wrap`` is applied to each linear map."""
    layers = [m for i, o in pairwise(widths[:-1]) for m in (wrap(Linear(i, o)), *hidden(o))]
    return nn.Sequential(nn.Flatten(), *layers, wrap(Linear(widths[-2], widths[-1])))
