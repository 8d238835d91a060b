"""Unrolled GAN (Metz et al. 2017, eq. 3 to 6), with plain gradient steps of η inside.

θ ← D's weights; repeat k = 5 times: θ ← θ − η ∇ loss_D(θ), kept differentiable
G: descend −E log D(G(z); θ), through all k steps;  D: one ordinary step
"""

import torch
from torch import Tensor
from torch.func import functional_call

from bench.nn import NonSaturating
from bench.variants import Count, Labels, Pair, Positive, register


@register("unrolled")
class Unrolled(NonSaturating, Pair):
    """The generator foresees the discriminator's next steps (Metz et al. 2017)."""

    idea = "against mode collapse"
    unrolling: Count = 5
    inner_lr: Positive = 0.01

    def g_objective(self, fake: Tensor, real: Tensor, labels: Labels, latents: Tensor) -> Tensor:
        θ = {name: w.detach().requires_grad_(True) for name, w in self.D.named_parameters()}
        for _ in range(self.unrolling):
            loss = self.d_loss(*(functional_call(self.D, θ, x) for x in (real, fake)))
            slopes = torch.autograd.grad(loss, list(θ.values()), create_graph=True)
            θ = {n: w - self.inner_lr * s for (n, w), s in zip(θ.items(), slopes, strict=True)}
        return self.g_loss(None, functional_call(self.D, θ, fake))
