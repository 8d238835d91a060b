"""Relativistic pairing GAN (Jolicoeur-Martineau 2019, RpGAN, with f(u) = −log sigmoid(u)).

D: descend −E log sigmoid(D(x) − D(G(z))), each real sample paired with one fake
G: descend −E log sigmoid(D(G(z)) − D(x))
"""

from bench.nn import RelativisticPairing
from bench.variants import Pair, register


@register("rpgan")
class RpGAN(RelativisticPairing, Pair):
    """Each real sample is judged relative to one fake (Jolicoeur-Martineau 2019)."""

    idea = "loss"
    beta1, beta2 = 0.0, 0.99
