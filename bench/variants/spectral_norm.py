"""Spectral normalisation in place of dropout.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, Algorithm 1:
every linear map of the discriminator is divided by its largest singular value, estimated by one
power iteration a discriminator step. Deviations: the generator, loss and optimiser are those of
``batchnorm_dropout``, so that only the discriminator differs.
"""

from torch import nn

from bench.nn import discriminator_mlp, generator_mlp, spectral
from bench.variants import Share, register
from bench.variants.mlp_bce import MLPBCE


@register("spectral_norm")
class SpectralNorm(MLPBCE):
    """Spectrally normalised discriminator, binary cross-entropy (Miyato et al. 2018)."""

    beta1: Share = 0.5

    def generator(self) -> nn.Module:
        return generator_mlp(
            [self.latent, 256, 512, 1024],
            self.shape,
            lambda width: [nn.ReLU(), nn.BatchNorm1d(width)],
        )

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(
            self.shape, [1024, 512, 256, 1], lambda width: [nn.LeakyReLU(0.2)], wrap=spectral
        )
