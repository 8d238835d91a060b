"""Wasserstein GAN with weight clipping.

Arjovsky et al., "Wasserstein GAN", 2017, Algorithm 1: a critic without sigmoid, n_critic = 5,
weights clipped to [−0.01, 0.01] after each critic step, RMSprop at 5e-5, fresh latents for the
generator's step. Deviations: the generator is the batch-normalised one of ``batchnorm_dropout``,
the critic has its discriminator's widths, and the 5 critic batches are 5 steps of the budget.
"""

import torch
from torch import Tensor, nn

from bench.nn import (
    clip_weights,
    discriminator_mlp,
    generator_mlp,
    rmsprop,
    wasserstein_critic,
    wasserstein_generator,
)
from bench.variants import GAN, Count, Positive, register


@register("wgan")
class WGAN(GAN):
    """Wasserstein loss, weight clipping, five critic steps (Arjovsky et al. 2017)."""

    n_critic: Count = 5
    clip: Positive = 0.01
    lr: Positive = 5e-5

    def generator(self) -> nn.Module:
        return generator_mlp(
            [self.latent, 256, 512, 1024],
            self.shape,
            lambda width: [nn.ReLU(), nn.BatchNorm1d(width)],
        )

    def discriminator(self) -> nn.Module:
        return discriminator_mlp(self.shape, [1024, 512, 256, 1], lambda width: [nn.LeakyReLU(0.2)])

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return wasserstein_critic(real, fake)

    def g_loss(self, fake: Tensor) -> Tensor:
        return wasserstein_generator(fake)

    def optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        return rmsprop(self.D, self.lr), rmsprop(self.G, self.lr)

    def constrain(self, discriminator: nn.Module) -> None:
        clip_weights(discriminator, self.clip)
