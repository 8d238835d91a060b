"""An autoencoder with a prior on its code, no GAN (Kingma & Welling 2014, eq. 10).

μ, log σ² ← E(x);  z ← μ + σ ε;  descend −log p(x | z) + KL(N(μ, σ²) ‖ N(0, 1)), p Bernoulli with
means G(z), which are its samples
"""

from torch import Tensor, nn

from bench.nn import adam, discriminator_mlp, generator_mlp, variational_loss
from bench.variants import Algorithm, Batch, Configuration, Positive, register


@register("vae")
class VAE(Algorithm):
    idea, latent = "no GAN", 20
    lr: Positive = 1e-3

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.E = discriminator_mlp(self.shape, [400, 2 * self.latent], lambda n: [nn.ReLU()])
        self.G = generator_mlp([self.latent, 400], self.shape, lambda n: [nn.ReLU()])
        self.optimizer = adam(nn.ModuleList([self.E, self.G]), self.lr)

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.G, "encoder": self.E}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        μ, log_var = self.E(batch.real).chunk(2, dim=1)
        x = self.G(μ + (log_var / 2).exp() * batch.latents[0])
        return self.descend(self.optimizer, variational_loss(batch.real, x, μ, log_var))
