"""Penalties on a discriminator's gradient. The caller multiplies by the paper's weight.

A critic maps samples (N, *shape) to logits, and has no batch norm, which ties samples together.
Norms are over all the values of one sample.
"""

import torch
from torch import Tensor, nn


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E (‖∇f(x̂)‖₂ − 1)² at points between real and fake (Gulrajani et al. 2017, eq. 3).

    One interpolation ε per sample.
    """
    epsilon = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    norms: Tensor = _gradients(critic, torch.lerp(fake, real, epsilon)).norm(dim=1)
    return (norms - 1).square().mean()


def zero_centred_penalty(critic: nn.Module, samples: Tensor) -> Tensor:
    """½ E ‖∇D(x)‖² (Mescheder et al. 2018, eq. 9): R1 at real samples, R2 at fake ones."""
    return _gradients(critic, samples).square().sum(dim=1).mean() / 2


def _gradients(critic: nn.Module, at: Tensor) -> Tensor:
    """(N, values of a sample): each sample's gradient, which can be differentiated again."""
    at = at.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    return gradient.flatten(1)
