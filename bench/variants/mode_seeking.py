"""Mode seeking GAN (Mao et al. 2019, eq. 2), with the latents of a batch split in halves.

D: descend −E log D(x) − E log(1 − D(G(z)))
G: descend −E log D(G(z)) + λ / (E |G(z₁) − G(z₂)| / E |z₁ − z₂| + 1e-5), λ = 1
"""

from torch import Tensor

from bench.nn import NonSaturating
from bench.variants import Labels, Pair, Positive, register


@register("mode_seeking")
class ModeSeeking(NonSaturating, Pair):
    """Different latents have to give different samples (Mao et al. 2019)."""

    idea = "against mode collapse"
    weight: Positive = 1.0

    def g_objective(self, fake: Tensor, real: Tensor, labels: Labels, latents: Tensor) -> Tensor:
        half = len(fake) // 2
        samples = (fake[:half] - fake[half : 2 * half]).abs().mean()
        distance = (latents[:half] - latents[half : 2 * half]).abs().mean()
        loss = super().g_objective(fake, real, labels, latents)
        return loss + self.weight / (samples / distance + 1e-5)
