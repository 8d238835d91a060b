"""R3GAN (Huang et al. 2024, eq. 2 and 5): RpGAN + R1 + R2. β = (0, 0.99).

    D: descend −E log sigmoid(D(x) − D(G(z))) + γ/2 (E ‖∇D(x)‖² + E ‖∇D(G(z))‖²)
    G: descend −E log sigmoid(D(G(z)) − D(x))
Unlike the paper's networks the generator keeps batch norm: without it a short budget fails.
"""

from torch import Tensor

from bench.nn import RelativisticPairing, zero_centred_penalty
from bench.variants import Labels, Pair, Positive, register


@register("r3gan")
class R3GAN(RelativisticPairing, Pair):
    """A relativistic loss with both zero-centred penalties (Huang et al. 2024)."""

    idea = "gradient penalty"
    gamma: Positive = 10.0
    beta1, beta2 = 0.0, 0.99

    def penalty(self, real: Tensor, fake: Tensor, step: int, labels: Labels = None) -> Tensor:
        r1, r2 = zero_centred_penalty(self.D, real), zero_centred_penalty(self.D, fake)
        return self.gamma * (r1 + r2)
