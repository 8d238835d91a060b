"""BEGAN (Berthelot et al. 2017, section 3.3): γ = 0.75, λ = 0.001, Adam at 1e-4.

L(v) = mean |v − D(v)|;  D: descend L(x) − k L(G(z));  G: descend L(G(z))
k ← clip(k + λ (γ L(x) − L(G(z))), 0, 1)
"""

from torch import Tensor, nn

from bench.nn import Autoencoder, Equilibrium
from bench.variants import Batch, Pair, Positive, register


@register("began")
class BEGAN(Equilibrium, Pair):
    """Balances the errors of an autoencoder as discriminator (Berthelot et al. 2017)."""

    idea = "loss"
    lr_d = lr_g = 1e-4
    gamma: Positive = 0.75
    gain: Positive = 1e-3

    def discriminator(self) -> nn.Module:
        decoder = self.generator_of(64, batch_norm=False)
        return Autoencoder(self.discriminator_of(self.shape), decoder, 64)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        measured = super().step(batch)
        drift = self.gamma * measured["logit_real"] - measured["logit_fake"]
        self.k = min(max(self.k + self.gain * drift.item(), 0.0), 1.0)
        return measured | {"convergence": measured["logit_real"] + drift.abs()}
