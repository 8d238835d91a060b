"""The non-saturating GAN (Goodfellow et al. 2014, section 3).

D: descend −E log D(x) − E log(1 − D(G(z)))
G: descend −E log D(G(z)), on fresh latents
"""

from bench.nn import NonSaturating
from bench.variants import Pair, register


@register("nonsaturating")
class NonSaturatingGAN(NonSaturating, Pair):
    """Cross-entropy with the generator's labels swapped (Goodfellow et al. 2014)."""

    idea = "loss"
