"""Convolutional network pairs: the small one of this project, and those of published protocols."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from torch import nn

from bench.errors import UserError
from bench.nn.fast import Dropout, Linear

Network = TypeVar("Network", bound=nn.Module)
Wrap = Callable[[nn.Module], nn.Module]
"""What each map of a discriminator is passed through, such as `spectral`."""


def as_it_is(layer: nn.Module) -> nn.Module:
    return layer


def scaled(width: float, *sizes: int) -> tuple[int, ...]:
    """Hidden sizes times ``width``, at least 1 each."""
    return tuple(max(1, round(width * size)) for size in sizes)


def conv_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """A linear map to 64 channels at a quarter of the size, then two 4×4 deconvolutions.

    After Radford et al. 2016: batch norm before each ReLU, weights from N(0, 0.02).

    Raises:
        UserError: samples are no images whose sides are multiples of 4.
    """
    channels, height, across = _image(shape)
    wide, narrow = scaled(width, 64, 32)

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
    narrow, wide = scaled(width, 32, 64)

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


def metz_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """A linear map to 64 channels, 3×3 deconvolutions of stride 2 to 32, 16 and 8, a convolution to
    the sample (Metz et al. 2017, appendix D, for Stacked-MNIST).

    Raises:
        UserError: samples are no images whose sides are multiples of 4.
    """
    channels, height, across = _image(shape)
    widths, sizes = scaled(width, 64, 32, 16, 8), _halved(height, across, 3)

    def follows(n: int) -> list[nn.Module]:
        return [*([nn.BatchNorm2d(n)] if batch_norm else []), nn.ReLU()]

    layers = _spread(latent, widths, sizes, 3, follows)
    last = nn.Conv2d(widths[-1], channels, 3, padding=1)
    return nn.Sequential(*layers, *follows(widths[-1]), last, nn.Tanh())


def metz_half(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """Three 3×3 convolutions of stride 2 to 4, 8 and 16 channels with batch norm, half the size of
    the generator's (Metz et al. 2017, appendix D)."""
    channels, height, across = _image(shape)
    widths = (channels, *scaled(width, 4, 8, 16))
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [wrap(nn.Conv2d(inputs, outputs, 3, 2, 1)), nn.BatchNorm2d(outputs)]
        layers += [nn.LeakyReLU(0.3), *([Dropout(dropout)] if dropout else [])]
    rest = -(-height // 8) * -(-across // 8)
    return nn.Sequential(*layers, nn.Flatten(), wrap(nn.Linear(widths[-1] * rest, 1)))


def metz_quarter(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """As `metz_half`, with 2, 4 and 8 channels."""
    return metz_half(shape, width=width / 2, dropout=dropout, wrap=wrap)


def dcgan_generator(
    latent: int, shape: tuple[int, ...], *, width: float = 1.0, batch_norm: bool = True
) -> nn.Sequential:
    """512-256-128-64 channels through 5×5 deconvolutions of stride 2 (Radford et al. 2016), as
    VEEGAN and PacGAN have it for Stacked-MNIST.

    Raises:
        UserError: samples are no images whose sides are multiples of 4.
    """
    channels, height, across = _image(shape)
    widths, sizes = (*scaled(width, 512, 256, 128, 64), channels), _halved(height, across, 4)

    def follows(n: int) -> list[nn.Module]:
        return [*([nn.BatchNorm2d(n)] if batch_norm else []), nn.ReLU()]

    return _initialised(nn.Sequential(*_spread(latent, widths, sizes, 5, follows), nn.Tanh()))


def dcgan_discriminator(
    shape: tuple[int, ...], *, width: float = 1.0, dropout: float = 0.0, wrap: Wrap = as_it_is
) -> nn.Sequential:
    """64-128-256-512 channels through 5×5 convolutions of stride 2, batch norm from the second on
    (Radford et al. 2016)."""
    channels, height, across = _image(shape)
    widths = (channels, *scaled(width, 64, 128, 256, 512))
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        layers += [wrap(nn.Conv2d(inputs, outputs, 5, 2, 2))]
        layers += [nn.BatchNorm2d(outputs)] if i else []
        layers += [nn.LeakyReLU(0.2), *([Dropout(dropout)] if dropout else [])]
    height, across = _halved(height, across, 4)[-1]
    last = wrap(nn.Linear(widths[-1] * height * across, 1))
    network = nn.Sequential(*layers, nn.Flatten(), last)
    return _initialised(network) if wrap is as_it_is else network


def _spread(
    latent: int,
    widths: tuple[int, ...],
    sizes: list[tuple[int, int]],
    kernel: int,
    follows: Callable[[int], list[nn.Module]],
) -> list[nn.Module]:
    """A linear map to the last of ``sizes``, then deconvolutions of stride 2 back to the first."""
    start = (widths[0], *sizes[-1])
    layers: list[nn.Module] = [nn.Linear(latent, math.prod(start)), nn.Unflatten(1, start)]
    for (low, high), (inputs, outputs) in zip(
        pairwise(reversed(sizes)), pairwise(widths), strict=True
    ):
        more = (high[0] - (2 * low[0] - 1), high[1] - (2 * low[1] - 1))
        layers += follows(inputs)
        layers += [nn.ConvTranspose2d(inputs, outputs, kernel, 2, kernel // 2, more)]
    return layers


def _halved(height: int, across: int, times: int) -> list[tuple[int, int]]:
    """A picture's size, and after each of so many maps of stride 2."""
    sizes = [(height, across)]
    for _ in range(times):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or shape[1] % 4 or shape[2] % 4:
        raise UserError(
            f"A convolutional network does not fit samples of the shape {shape}: it needs images "
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
