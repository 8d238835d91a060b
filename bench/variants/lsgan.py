"""Least squares GAN (Mao et al. 2017, eq. 9, labels 0 and 1), on the logit, without sigmoid.

D: descend ½ E (D(x) − 1)² + ½ E D(G(z))²
G: descend ½ E (D(G(z)) − 1)²
"""

from bench.nn import LeastSquares
from bench.variants import Pair, register


@register("lsgan")
class LSGAN(LeastSquares, Pair):
    """Squared errors instead of cross-entropy (Mao et al. 2017)."""

    idea = "loss"
