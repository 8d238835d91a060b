"""Network pairs, as mixins of a game, and the condition on a label."""

from typing import Protocol

import torch
from torch import Tensor, nn

from bench.nn.layers import discriminator_mlp, generator_mlp


class Game(Protocol):
    """What a pair is built from."""

    latent: int
    shape: tuple[int, ...]

    @property
    def packed_shape(self) -> tuple[int, ...]: ...


class MLP:
    """Fully connected, with batch norm behind the generator's activations."""

    def generator(self: Game) -> nn.Module:
        return generator_mlp(
            [self.latent, 256, 512, 1024],
            self.shape,
            lambda width: [nn.ReLU(), nn.BatchNorm1d(width)],
        )

    def discriminator(self: Game) -> nn.Module:
        return discriminator_mlp(
            self.packed_shape, [1024, 512, 256, 1], lambda width: [nn.LeakyReLU(0.2)]
        )


class Conditioned(nn.Module):
    """A network that takes the one-hot label joined to its input (Mirza & Osindero 2014, eq. 2).

    Args:
        network: from (N, values + classes).
        classes: of the data set.
    """

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("one_hot", torch.eye(classes), persistent=False)

    def forward(self, values: Tensor, labels: Tensor) -> Tensor:
        """From (N, ...) and (N,) int64."""
        condition = self.get_buffer("one_hot")[labels].to(values.dtype)
        answer: Tensor = self.network(torch.cat([values.flatten(1), condition], 1))
        return answer
