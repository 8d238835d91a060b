"""Penalties on a discriminator's gradient. The caller multiplies by the paper's weight.

A critic maps samples (N, *shape) to logits, and has no batch norm, which ties samples together.
Norms are over all the values of one sample.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
"""A discriminator; a conditional one with its labels: ``lambda x: D(x, labels)``."""


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """E (‖∇f(x̂)‖₂ − 1)² at points between real and fake (Gulrajani et al. 2017, eq. 3).

    One interpolation ε per sample.
    """
    return one_centred_penalty(critic, torch.lerp(fake, real, share_per_sample(real)))


def one_centred_penalty(critic: Critic, samples: Tensor) -> Tensor:
    """E (‖∇f(x)‖₂ − 1)² at given samples."""
    norms: Tensor = _gradients(critic, samples).norm(dim=1)
    return (norms - 1).square().mean()


def share_per_sample(samples: Tensor) -> Tensor:
    """From U(0, 1), one a sample, of a shape that broadcasts over ``samples``."""
    return torch.rand(len(samples), *[1] * (samples.ndim - 1), device=samples.device)


def zero_centred_penalty(critic: Critic, samples: Tensor) -> Tensor:
    """½ E ‖∇D(x)‖² (Mescheder et al. 2018, eq. 9): R1 at real samples, R2 at fake ones."""
    return _gradients(critic, samples).square().sum(dim=1).mean() / 2


def _gradients(critic: Critic, at: Tensor) -> Tensor:
    """(N, values of a sample): each sample's gradient, which can be differentiated again."""
    at = at.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    return gradient.flatten(1)
