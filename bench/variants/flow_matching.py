"""Samples flow out of noise along a learnt velocity, no GAN (Lipman et al. 2023, eq. 23).

x₀ ~ N(0, 1), t ~ U(0, 1), x_t ← (1 − t) x₀ + t x₁;  descend E (v(x_t, t) − (x₁ − x₀))², σ = 0;
sample: 25 Euler steps along the averaged v, from noise
"""

from torch import Tensor, nn

from bench.nn import Flow, adam
from bench.variants import Algorithm, Batch, Configuration, Count, Positive, Share, register


@register("flow_matching")
class FlowMatching(Algorithm):
    idea = "no GAN"
    lr: Positive = 1e-3
    width: Count = 1024
    ema: Share = 0.99

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.G = Flow(self.shape, self.width, self.ema)
        self.latent, self.optimizer = self.G.values, adam(self.G, self.lr)

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.G}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        loss = self.G.loss(batch.real, batch.latents[0])
        return self.descend(self.optimizer, loss) | self.G.follow()
