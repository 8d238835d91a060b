"""A batch-normalised generator against a discriminator with dropout: the second tutorial's GAN.

Batch norm in the generator after Radford et al., "Unsupervised Representation Learning with Deep
Convolutional GANs", 2016, which also gives Adam's β₁ = 0.5; dropout after Srivastava et al. 2014.
Deviations: fully connected, normalisation behind the activation, and, as the tutorials do, one
batch of fakes serves both steps.
"""

from torch import nn

from bench.nn import Dropout, discriminator_mlp, generator_mlp
from bench.variants import Share, register
from bench.variants.mlp_bce import MLPBCE


@register("batchnorm_dropout")
class BatchNormDropout(MLPBCE):
    """Batch norm in the generator, dropout in the discriminator, binary cross-entropy."""

    beta1: Share = 0.5
    dropout: Share = 0.3

    def generator(self) -> nn.Module:
        return generator_mlp(
            [self.latent, 256, 512, 1024],
            self.shape,
            lambda width: [nn.ReLU(), nn.BatchNorm1d(width)],
        )

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(
            self.shape,
            [1024, 512, 256, 1],
            lambda width: [nn.LeakyReLU(0.2), Dropout(self.dropout)],
        )
