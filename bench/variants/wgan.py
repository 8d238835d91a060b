"""Wasserstein GAN with weight clipping.

Arjovsky et al., "Wasserstein GAN", 2017, Algorithm 1: a critic without sigmoid, n_critic = 5,
weights clipped to [−0.01, 0.01] after each critic step, RMSprop at 5e-5, fresh latents for the
generator's step. Deviations: the generator is the batch-normalised one of ``batchnorm_dropout``,
the critic has its discriminator's widths, and the 5 critic batches are 5 steps of the budget.
"""

import torch
from torch import nn

from bench.nn import MLP, Wasserstein, clip_weights, rmsprop
from bench.variants import GAN, Count, Positive, register


@register("wgan")
class WGAN(Wasserstein, MLP, GAN):
    """Wasserstein loss, weight clipping, five critic steps (Arjovsky et al. 2017)."""

    idea = "tutorial"
    n_critic: Count = 5
    clip: Positive = 0.01
    lr: Positive = 5e-5

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return rmsprop(network, self.lr)

    def constrain(self, discriminator: nn.Module) -> None:
        clip_weights(discriminator, self.clip)
