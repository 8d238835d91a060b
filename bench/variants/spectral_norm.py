"""Spectral normalisation in place of dropout.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, Algorithm 1:
every linear map of the discriminator is divided by its largest singular value, estimated by one
power iteration a discriminator step. Deviations: the generator, loss and optimiser are those of
``batchnorm_dropout``, so that only the discriminator differs.
"""

import torch
from torch import nn

from bench.nn import MLP, NonSaturating, adam, discriminator_mlp, spectral
from bench.variants import GAN, Positive, Share, register


@register("spectral_norm")
class SpectralNorm(NonSaturating, MLP, GAN):
    """Spectrally normalised discriminator, binary cross-entropy (Miyato et al. 2018)."""

    idea = "tutorial"
    lr: Positive = 2e-4
    beta1: Share = 0.5
    beta2: Share = 0.999
    reuse_fakes = True

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(
            self.shape, [1024, 512, 256, 1], lambda width: [nn.LeakyReLU(0.2)], wrap=spectral
        )

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return adam(network, self.lr, self.beta1, self.beta2)
