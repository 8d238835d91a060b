"""A moving average of the generator (Yazıcı et al. 2019, eq. 2), which is sampled in its place."""

from bench.nn import MLP, NonSaturating, adam
from bench.variants import GAN, Positive, Share, register


@register("ema")
class EMA(NonSaturating, MLP, GAN):
    lr: Positive = 2e-4
    ema: Share = 0.999

    def optimizer(self, network):
        return adam(network, self.lr, 0.5, 0.999)
