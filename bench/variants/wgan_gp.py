"""WGAN-GP (Gulrajani et al. 2017, Algorithm 1): λ = 10, Adam at 1e-4 with β = (0.5, 0.9).

    repeat n_critic = 5 times:
        x̂ ← ε x + (1 − ε) G(z), one ε ~ U(0, 1) a sample
        D: descend E D(G(z)) − E D(x) + λ E (‖∇D(x̂)‖ − 1)²
    G: descend −E D(G(z))
As in the authors' MNIST code, the generator has no batch norm either. A second setting for short
budgets: ``n_critic=1 lr_d=2e-4 lr_g=2e-4 batch_norm=true``.
"""

from torch import Tensor

from bench.nn import Wasserstein, gradient_penalty
from bench.variants import Count, Labels, Pair, Positive, register


@register("wgan_gp")
class WGANGP(Wasserstein, Pair):
    """A gradient penalty between real and fake instead of clipping (Gulrajani et al. 2017)."""

    idea = "gradient penalty"
    n_critic: Count = 5
    penalty_weight: Positive = 10.0
    lr_d = lr_g = 1e-4
    beta2 = 0.9
    batch_norm = False

    def penalty(self, real: Tensor, fake: Tensor, step: int, labels: Labels = None) -> Tensor:
        return self.penalty_weight * gradient_penalty(self.D, real, fake)
