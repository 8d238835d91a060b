"""Conditional GAN (Mirza & Osindero 2014, eq. 2): one-hot labels y, those of the real batch.

D: descend −E log D(x, y) − E log(1 − D(G(z, y), y))
G: descend −E log D(G(z, y), y)
"""

import math

from torch import nn

from bench.nn import Conditioned, NonSaturating
from bench.variants import Pair, register


@register("cgan")
class CGAN(NonSaturating, Pair):
    """The label joins what each network takes (Mirza & Osindero 2014)."""

    idea = "labels"
    conditional = True

    def discriminator(self) -> nn.Module:
        maps, (channels, *size) = self.network == "conv", self.shape
        joined = (channels + self.classes, *size)
        shape = joined if maps else (math.prod(self.shape) + self.classes,)
        return Conditioned(self.discriminator_of(shape), self.classes, maps=maps)
