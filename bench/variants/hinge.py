"""Hinge loss (Lim & Ye 2017, "Geometric GAN"; Miyato et al. 2018, eq. 16 and 17).

    D: descend E max(0, 1 − D(x)) + E max(0, 1 + D(G(z)))
    G: descend −E D(G(z))
With ``spectral_norm=true`` and ``beta1=0 beta2=0.9`` it is the GAN of Miyato et al. 2018.
"""

from bench.nn import Hinge
from bench.variants import Pair, register


@register("hinge")
class HingeGAN(Hinge, Pair):
    """The discriminator's loss stops at a margin (Lim & Ye 2017)."""

    idea = "loss"
