"""Conditional GAN (Mirza & Osindero 2014, eq. 2): the label joins what each network takes."""

import math

from torch import nn

from bench.nn import Conditioned, NonSaturating, adam, discriminator_mlp, generator_mlp
from bench.variants import GAN, Positive, register


@register("cgan")
class CGAN(NonSaturating, GAN):
    lr: Positive = 2e-4
    conditional = True

    def generator(self):
        G = generator_mlp([self.latent + self.classes, 400, 800], self.shape, lambda n: [nn.ReLU()])
        return Conditioned(G, self.classes)

    def discriminator(self):
        joined = (math.prod(self.shape) + self.classes,)
        D = discriminator_mlp(joined, [1024, 512, 1], lambda n: [nn.LeakyReLU(0.2)])
        return Conditioned(D, self.classes)

    def optimizer(self, network):
        return adam(network, self.lr, 0.5, 0.999)
