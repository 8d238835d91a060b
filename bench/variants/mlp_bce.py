"""The plain GAN of the tutorials, all fully connected.

Goodfellow et al., "Generative Adversarial Nets", 2014, Algorithm 1 with k = 1 and the
non-saturating generator loss of section 3. Deviations from the paper: ReLU and LeakyReLU(0.2)
without maxout or dropout, Adam with its default betas, and, as the tutorials do, one batch of fakes
serves both steps.
"""

import torch
from torch import Tensor, nn

from bench.nn import adam, bce_discriminator, bce_generator, discriminator_mlp, generator_mlp
from bench.variants import GAN, Positive, Share, register


@register("mlp_bce")
class MLPBCE(GAN):
    """Plain fully connected GAN with binary cross-entropy (Goodfellow et al. 2014)."""

    lr: Positive = 2e-4
    beta1: Share = 0.9
    beta2: Share = 0.999
    reuse_fakes = True

    def generator(self) -> nn.Module:
        return generator_mlp([self.latent, 256, 512], self.shape, lambda width: [nn.ReLU()])

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(self.shape, [512, 256, 1], lambda width: [nn.LeakyReLU(0.2)])

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return bce_discriminator(real, fake)

    def g_loss(self, fake: Tensor) -> Tensor:
        return bce_generator(fake)

    def optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        betas = self.beta1, self.beta2
        return adam(self.D, self.lr, *betas), adam(self.G, self.lr, *betas)
