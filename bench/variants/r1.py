"""R1 (Mescheder et al. 2018, eq. 9), of the logit, at every step.

    D: descend −E log D(x) − E log(1 − D(G(z))) + γ/2 E ‖∇D(x)‖²
    G: descend −E log D(G(z))
The authors' code has weight 10 without the ½, which is γ = 20; here γ = 1.
"""

from torch import Tensor

from bench.nn import NonSaturating, zero_centred_penalty
from bench.variants import Labels, Pair, Positive, register


@register("r1")
class R1(NonSaturating, Pair):
    """Flat discriminator at real samples (Mescheder et al. 2018)."""

    idea = "gradient penalty"
    gamma: Positive = 1.0

    def penalty(self, real: Tensor, fake: Tensor, step: int, labels: Labels = None) -> Tensor:
        return self.gamma * zero_centred_penalty(self.D, real)
