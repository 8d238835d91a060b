"""PacGAN (Lin et al. 2018, section 3): the discriminator judges several samples as one."""

from bench.nn import MLP, NonSaturating, adam
from bench.variants import GAN, Count, Positive, register


@register("pacgan")
class PacGAN(NonSaturating, MLP, GAN):
    lr: Positive = 2e-4
    pack: Count = 2

    def optimizer(self, network):
        return adam(network, self.lr, 0.5, 0.999)
