"""Adversarial losses. All take logits of any shape, never probabilities, and return a scalar."""

from torch import Tensor
from torch.nn import functional as F


def bce_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """−E log D(x) − E log(1 − D(G(z))), with D = sigmoid(logit) (Goodfellow et al. 2014, eq. 1).

    softplus(−l) = −log sigmoid(l) stays finite where sigmoid has saturated.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def bce_generator(fake: Tensor) -> Tensor:
    """−E log D(G(z)), the non-saturating loss (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake).mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E f(G(z)) − E f(x), to be minimised (Arjovsky et al. 2017, Algorithm 1, line 5)."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """−E f(G(z)) (Arjovsky et al. 2017, Algorithm 1, line 10)."""
    return -fake.mean()
