"""Network pairs: functions that build them, and mixins that give them to a game."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol, TypeVar

from torch import nn

from bench.errors import UserError
from bench.nn.fast import Dropout, Linear
from bench.nn.layers import discriminator_mlp, generator_mlp

Network = TypeVar("Network", bound=nn.Module)
Wrap = Callable[[nn.Module], nn.Module]
"""What each map of a discriminator is passed through, such as `spectral`."""


class Game(Protocol):
    """What a pair is built from."""

    latent: int
    shape: tuple[int, ...]

    @property
    def packed_shape(self) -> tuple[int, ...]: ...


def as_it_is(layer: nn.Module) -> nn.Module:
    return layer


def mlp_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """latent-256-512-1024-sample; batch norm behind the activations."""
    return generator_mlp(
        [latent, *_scaled(width, 256, 512, 1024)],
        shape,
        lambda n: [nn.ReLU(), *([nn.BatchNorm1d(n)] if batch_norm else [])],
    )


def mlp_discriminator(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """sample-1024-512-256-1."""
    return discriminator_mlp(
        shape,
        [*_scaled(width, 1024, 512, 256), 1],
        lambda n: [nn.LeakyReLU(0.2), *([Dropout(dropout)] if dropout else [])],
        wrap,
    )


def conv_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """A linear map to 64 channels at a quarter of the size, then two 4×4 deconvolutions.

    After Radford et al. 2016: batch norm before each ReLU, weights from N(0, 0.02).

    Raises:
        UserError: samples are no images whose sides are multiples of 4.
    """
    channels, height, across = _image(shape)
    wide, narrow = _scaled(width, 64, 32)

    def follows(n: int) -> list[nn.Module]:
        return [*([nn.BatchNorm2d(n)] if batch_norm else []), nn.ReLU()]

    network = nn.Sequential(
        Linear(latent, wide * height * across // 16),
        nn.Unflatten(1, (wide, height // 4, across // 4)),
        *follows(wide),
        nn.ConvTranspose2d(wide, narrow, 4, 2, 1),
        *follows(narrow),
        nn.ConvTranspose2d(narrow, channels, 4, 2, 1),
        nn.Tanh(),
    )
    return _initialised(network)


def conv_discriminator(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """Two 4×4 convolutions of stride 2, to 32 and 64 channels, then a linear map.

    Weights start from N(0, 0.02), but from torch's own values where they are normalised anyway.

    Raises:
        UserError: samples are no images whose sides are multiples of 4.
    """
    channels, height, across = _image(shape)
    narrow, wide = _scaled(width, 32, 64)

    def follows() -> list[nn.Module]:
        return [nn.LeakyReLU(0.2), *([Dropout(dropout)] if dropout else [])]

    maps = [
        nn.Conv2d(channels, narrow, 4, 2, 1),
        nn.Conv2d(narrow, wide, 4, 2, 1),
        Linear(wide * height * across // 16, 1),
    ]
    if wrap is as_it_is:
        maps = [_initialised(each) for each in maps]
    first, second, last = (wrap(each) for each in maps)
    return nn.Sequential(first, *follows(), second, *follows(), nn.Flatten(), last)


def plane_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """latent-128-128-sample, for points in the plane: they have no bounds, so there is no tanh.

    Its maps and the discriminator's are torch's own: oneDNN's cost more to call than to compute.
    """
    hidden = _scaled(width, 128, 128)
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
        [*_scaled(width, 128, 128), 1],
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
        return conv_generator(self.latent, self.shape)

    def discriminator(self: Game) -> nn.Module:
        return conv_discriminator(self.packed_shape)


GENERATORS = {"mlp": mlp_generator, "conv": conv_generator, "plane": plane_generator}
DISCRIMINATORS = {
    "mlp": mlp_discriminator,
    "conv": conv_discriminator,
    "plane": plane_discriminator,
}


def _scaled(width: float, *sizes: int) -> tuple[int, ...]:
    return tuple(max(1, round(width * size)) for size in sizes)


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or shape[1] % 4 or shape[2] % 4:
        raise UserError(
            f"The network pair 'conv' does not fit samples of the shape {shape}: it needs images "
            "whose height and width are multiples of 4, so choose network=mlp."
        )
    channels, height, across = shape
    return channels, height, across


def _initialised(network: Network) -> Network:
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
