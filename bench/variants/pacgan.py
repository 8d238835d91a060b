"""PacGAN (Lin et al. 2018, section 3): D judges m samples of one kind as one.

    D: descend −E log D(x₁ … xₘ) − E log(1 − D(G(z₁) … G(zₘ)))
    G: descend −E log D(G(z₁) … G(zₘ))
Packs are made within a batch: 64 samples are 32 packs, where the authors take 64 packs.
"""

from bench.nn import NonSaturating
from bench.variants import Count, Pair, register


@register("pacgan")
class PacGAN(NonSaturating, Pair):
    """The discriminator judges several samples together (Lin et al. 2018)."""

    idea = "against mode collapse"
    pack: Count = 2  # type: ignore[misc]
