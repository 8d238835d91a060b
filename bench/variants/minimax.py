"""The saturating GAN (Goodfellow et al. 2014, Algorithm 1, with k = 1).

D: descend −E log D(x) − E log(1 − D(G(z)))
G: descend E log(1 − D(G(z))), whose gradient vanishes where D wins
"""

from bench.nn import Minimax
from bench.variants import Pair, register


@register("minimax")
class MinimaxGAN(Minimax, Pair):
    """The minimax loss for both networks (Goodfellow et al. 2014)."""

    idea = "loss"
