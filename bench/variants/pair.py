"""A game on a named pair of networks: what all variants but the tutorials' four can be set to."""

from typing import Literal

import torch
from torch import nn

from bench.nn import Conditioned, adam, spectral
from bench.nn.convolutional import as_it_is
from bench.nn.pairs import DISCRIMINATORS, GENERATORS, NORMALISED
from bench.variants.contract import Positive, Share
from bench.variants.gan import GAN


class Pair(GAN):
    """Networks by name, Adam with a learning rate for each of them, an average of the generator.

    The generator of a conditional variant takes the label joined to the latents.
    """

    network: Literal["mlp", "conv", "plane", "metz_half", "metz_quarter", "dcgan"] = "mlp"
    """``metz_…`` and ``dcgan`` are those of published protocols for Stacked-MNIST."""
    width: Positive = 1.0
    """A factor of all hidden widths."""
    batch_norm: bool = True
    """In the generator."""
    spectral_norm: bool = False
    """Of the discriminator's linear maps (Miyato et al. 2018)."""
    lr_d: Positive = 2e-4
    lr_g: Positive = 2e-4
    """Two time scales where it differs from ``lr_d`` (Heusel et al. 2017)."""
    beta1: Share = 0.5
    beta2: Share = 0.999
    ema: Share = 0.0  # type: ignore[misc]

    @property
    def joint_pass(self) -> bool:  # type: ignore[override]
        """As of `GAN`; not where the network's discriminator has batch norm."""
        return self.network not in NORMALISED

    def generator(self) -> nn.Module:
        labels = self.classes if self.conditional else 0
        network = self.generator_of(self.latent + labels, batch_norm=self.batch_norm)
        return Conditioned(network, labels) if labels else network

    def discriminator(self) -> nn.Module:
        return self.discriminator_of(self.packed_shape)

    def generator_of(self, inputs: int, *, batch_norm: bool) -> nn.Sequential:
        """The named network from (N, inputs) to samples."""
        build = GENERATORS[self.network]
        return build(inputs, self.shape, width=self.width, batch_norm=batch_norm)

    def discriminator_of(self, shape: tuple[int, ...], dropout: float = 0.0) -> nn.Sequential:
        """The named network from (N, *shape) to logits."""
        build, wrap = DISCRIMINATORS[self.network], spectral if self.spectral_norm else as_it_is
        return build(shape, width=self.width, dropout=dropout, wrap=wrap)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        lr = self.lr_d if network is self.D else self.lr_g
        return adam(network, lr, self.beta1, self.beta2)
