"""The plain GAN of the tutorials, all fully connected.

Goodfellow et al., "Generative Adversarial Nets", 2014, Algorithm 1 with k = 1 and the
non-saturating generator loss of section 3. Deviations from the paper: ReLU and LeakyReLU(0.2)
without maxout or dropout, Adam with its default betas, and, as the tutorials do, one batch of fakes
serves both steps.
"""

import torch
from torch import nn

from bench.nn import NonSaturating, adam, discriminator_mlp, generator_mlp
from bench.variants import GAN, Positive, Share, register


@register("mlp_bce")
class MLPBCE(NonSaturating, GAN):
    """Plain fully connected GAN with binary cross-entropy (Goodfellow et al. 2014)."""

    idea = "tutorial"
    lr: Positive = 2e-4
    beta1: Share = 0.9
    beta2: Share = 0.999
    reuse_fakes = True

    def generator(self) -> nn.Module:
        return generator_mlp([self.latent, 256, 512], self.shape, lambda width: [nn.ReLU()])

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(self.shape, [512, 256, 1], lambda width: [nn.LeakyReLU(0.2)])

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return adam(network, self.lr, self.beta1, self.beta2)
