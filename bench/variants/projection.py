"""Projection discriminator (Miyato & Koyama 2018, eq. 3), hinge loss, spectral norm throughout.

    D(x, y) = ⟨w + e(y), φ(x)⟩;  Adam at 2e-4 with β = (0, 0.9)
    D: descend E max(0, 1 − D(x, y)) + E max(0, 1 + D(G(z, y), y))
    G: descend −E D(G(z, y), y)
The paper has n_critic = 5 and class-conditional batch norm; here 1, and the label joined to z.
"""

from torch import nn

from bench.nn import Hinge, Projection, spectral
from bench.variants import Pair, register


@register("projection")
class ProjectionGAN(Hinge, Pair):
    """An inner product of label and features is judged (Miyato & Koyama 2018)."""

    idea = "labels"
    conditional = True
    spectral_norm = True
    beta1, beta2 = 0.0, 0.9

    def discriminator(self) -> nn.Module:
        return Projection(self.discriminator_of(self.shape), self.classes, spectral)
