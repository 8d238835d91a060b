"""R3GAN (Huang et al. 2024, eq. 2 and 5): a relativistic loss with both zero-centred penalties."""

from bench.nn import MLP, RelativisticPairing, adam, zero_centred_penalty
from bench.variants import GAN, Positive, Share, register


@register("r3gan")
class R3GAN(RelativisticPairing, MLP, GAN):
    lr: Positive = 2e-4
    beta2: Share = 0.99
    gamma: Positive = 10.0

    def penalty(self, real, fake, step):
        r1, r2 = zero_centred_penalty(self.D, real), zero_centred_penalty(self.D, fake)
        return self.gamma * (r1 + r2)

    def optimizer(self, network):
        return adam(network, self.lr, 0.0, self.beta2)
