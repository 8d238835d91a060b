"""Adversarial losses, as mixins of a game: each gives a variant its ``d_loss`` and ``g_loss``.

They take logits of any shape, never probabilities, and return a scalar to be minimised. What is no
game has a function at the end.
softplus(−l) = −log sigmoid(l) stays finite where sigmoid has saturated.
"""

from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F


class NonSaturating:
    """Goodfellow et al. 2014, eq. 1, and section 3 for the generator."""

    @staticmethod
    def d_loss(real: Tensor, fake: Tensor) -> Tensor:
        """−E log D(x) − E log(1 − D(G(z))), with D = sigmoid(logit)."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    @staticmethod
    def g_loss(real: Any, fake: Tensor) -> Tensor:
        """−E log D(G(z))."""
        return F.softplus(-fake).mean()


class Minimax(NonSaturating):
    """Goodfellow et al. 2014, eq. 1, for both networks: the generator's gradient saturates."""

    @staticmethod
    def g_loss(real: Any, fake: Tensor) -> Tensor:
        """E log(1 − D(G(z)))."""
        return -F.softplus(fake).mean()


class LeastSquares:
    """Mao et al. 2017, eq. 9, on the logit: labels 0 and 1."""

    @staticmethod
    def d_loss(real: Tensor, fake: Tensor) -> Tensor:
        """½ E (D(x) − 1)² + ½ E D(G(z))²."""
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    @staticmethod
    def g_loss(real: Any, fake: Tensor) -> Tensor:
        """½ E (D(G(z)) − 1)²."""
        return (fake - 1).square().mean() / 2


class Hinge:
    """Lim & Ye 2017; Miyato et al. 2018, eq. 16 and 17."""

    @staticmethod
    def d_loss(real: Tensor, fake: Tensor) -> Tensor:
        """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z)))."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    @staticmethod
    def g_loss(real: Any, fake: Tensor) -> Tensor:
        """−E D(G(z)), which is no hinge."""
        return -fake.mean()


class Wasserstein:
    """Arjovsky et al. 2017, Algorithm 1, lines 5 and 10."""

    @staticmethod
    def d_loss(real: Tensor, fake: Tensor) -> Tensor:
        """E f(G(z)) − E f(x)."""
        return fake.mean() - real.mean()

    @staticmethod
    def g_loss(real: Any, fake: Tensor) -> Tensor:
        """−E f(G(z))."""
        return -fake.mean()


class RelativisticPairing:
    """RpGAN: Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2. Real i is paired with fake i."""

    relativistic: ClassVar[bool] = True

    @staticmethod
    def d_loss(real: Tensor, fake: Tensor) -> Tensor:
        """−E log sigmoid(D(x) − D(G(z)))."""
        return F.softplus(fake - real).mean()

    @staticmethod
    def g_loss(real: Tensor, fake: Tensor) -> Tensor:
        """−E log sigmoid(D(G(z)) − D(x))."""
        return F.softplus(real - fake).mean()


class Equilibrium:
    """BEGAN: Berthelot et al. 2017, section 3.3, where a logit is an autoencoder's error L."""

    k = 0.0

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """L(x) − k L(G(z))."""
        return real.mean() - self.k * fake.mean()

    @staticmethod
    def g_loss(real: Any, fake: Tensor) -> Tensor:
        """L(G(z))."""
        return fake.mean()


def variational_loss(samples: Tensor, rebuilt: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """−log p(x | z) + KL(N(μ, σ²) ‖ N(0, 1)), summed over a sample (Kingma & Welling 2014, eq. 10).

    Samples and their Bernoulli means are in [−1, 1], which stands for [0, 1].
    """
    x, rebuilt = (1 + samples) / 2, (1 + rebuilt) / 2
    kl = (mean.square() + log_var.exp() - log_var - 1).sum() / 2
    return (F.binary_cross_entropy(rebuilt, x, reduction="sum") + kl) / len(x)
