"""VAE (Kingma & Welling 2014, eq. 10): Bernoulli decoder, Gaussian encoder."""

from torch import nn
from torch.nn import functional as F

from bench.nn import adam, discriminator_mlp, generator_mlp
from bench.variants import Algorithm, Count, Positive, register


@register("vae")
class VAE(Algorithm):
    lr: Positive = 1e-3
    latent: Count = 20

    def __init__(self, configuration):
        super().__init__(configuration)
        self.E = discriminator_mlp(self.shape, [400, 2 * self.latent], lambda width: [nn.ReLU()])
        self.G = generator_mlp([self.latent, 400], self.shape, lambda width: [nn.ReLU()])
        self.optimizer = adam(nn.ModuleList([self.E, self.G]), self.lr)

    def networks(self):
        return {"generator": self.G, "encoder": self.E}

    def step(self, batch):
        mean, log_var = self.E(batch.real).chunk(2, dim=1)
        x = (1 + self.G(mean + (log_var / 2).exp() * batch.latents[0])) / 2
        kl = (mean.square() + log_var.exp() - log_var - 1).sum() / 2
        loss = F.binary_cross_entropy(x, (1 + batch.real) / 2, reduction="sum") + kl
        return self.descend(self.optimizer, loss / len(x))
