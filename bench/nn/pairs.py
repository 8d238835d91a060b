"""Network pairs: functions that build them, and mixins that give them to a game."""

import math
from itertools import pairwise
from typing import Protocol

from torch import nn

from bench.nn import convolutional
from bench.nn.convolutional import Wrap, as_it_is, scaled
from bench.nn.fast import Dropout
from bench.nn.layers import discriminator_mlp, generator_mlp


class Game(Protocol):
    """What a pair is built from."""

    latent: int
    shape: tuple[int, ...]

    @property
    def packed_shape(self) -> tuple[int, ...]: ...


def mlp_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """latent-256-512-1024-sample; batch norm behind the activations."""
    return generator_mlp(
        [latent, *scaled(width, 256, 512, 1024)],
        shape,
        lambda n: [nn.ReLU(), *([nn.BatchNorm1d(n)] if batch_norm else [])],
    )


def mlp_discriminator(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """sample-1024-512-256-1."""
    return discriminator_mlp(
        shape,
        [*scaled(width, 1024, 512, 256), 1],
        lambda n: [nn.LeakyReLU(0.2), *([Dropout(dropout)] if dropout else [])],
        wrap,
    )


def plane_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """latent-128-128-sample, for points in the plane: they have no bounds, so there is no tanh.

    Its maps and the discriminator's are torch's own: oneDNN's cost more to call than to compute.
    """
    hidden = scaled(width, 128, 128)
    layers = [
        m
        for i, o in pairwise((latent, *hidden))
        for m in (nn.Linear(i, o), *([nn.BatchNorm1d(o)] if batch_norm else []), nn.ReLU())
    ]
    last = nn.Linear(hidden[-1], math.prod(shape))
    return nn.Sequential(*layers, last, nn.Unflatten(1, shape))


def plane_discriminator(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """sample-128-128-1."""
    return discriminator_mlp(
        shape,
        [*scaled(width, 128, 128), 1],
        lambda n: [nn.ReLU(), *([Dropout(dropout)] if dropout else [])],
        wrap,
        nn.Linear,
    )


class MLP:
    """Fully connected, with batch norm behind the generator's activations."""

    def generator(self: Game) -> nn.Module:
        return mlp_generator(self.latent, self.shape)

    def discriminator(self: Game) -> nn.Module:
        return mlp_discriminator(self.packed_shape)


class Conv:
    """Two convolutions on either side, with batch norm in the generator."""

    def generator(self: Game) -> nn.Module:
        return convolutional.conv_generator(self.latent, self.shape)

    def discriminator(self: Game) -> nn.Module:
        return convolutional.conv_discriminator(self.packed_shape)


GENERATORS = {
    "mlp": mlp_generator,
    "conv": convolutional.conv_generator,
    "plane": plane_generator,
    "metz_half": convolutional.metz_generator,
    "metz_quarter": convolutional.metz_generator,
    "dcgan": convolutional.dcgan_generator,
}
DISCRIMINATORS = {
    "mlp": mlp_discriminator,
    "conv": convolutional.conv_discriminator,
    "plane": plane_discriminator,
    "metz_half": convolutional.metz_half,
    "metz_quarter": convolutional.metz_quarter,
    "dcgan": convolutional.dcgan_discriminator,
}
NORMALISED = ("metz_half", "metz_quarter", "dcgan")
"""The discriminators with batch norm, which see real and fake samples in separate passes."""
