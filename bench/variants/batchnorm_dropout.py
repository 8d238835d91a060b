"""A batch-normalised generator against a discriminator with dropout: the second tutorial's GAN.

Batch norm in the generator after Radford et al., "Unsupervised Representation Learning with Deep
Convolutional GANs", 2016, which also gives Adam's β₁ = 0.5; dropout after Srivastava et al. 2014.
Deviations: fully connected, normalisation behind the activation, and, as the tutorials do, one
batch of fakes serves both steps.
"""

import torch
from torch import nn

from bench.nn import MLP, Dropout, NonSaturating, adam, discriminator_mlp
from bench.variants import GAN, Positive, Share, register


@register("batchnorm_dropout")
class BatchNormDropout(NonSaturating, MLP, GAN):
    """Batch norm in the generator, dropout in the discriminator (Radford et al. 2016)."""

    idea = "tutorial"
    lr: Positive = 2e-4
    beta1: Share = 0.5
    beta2: Share = 0.999
    dropout: Share = 0.3
    reuse_fakes = True

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(
            self.shape,
            [1024, 512, 256, 1],
            lambda width: [nn.LeakyReLU(0.2), Dropout(self.dropout)],
        )

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return adam(network, self.lr, self.beta1, self.beta2)
