"""Penalties on a discriminator's gradient."""

import torch
from torch import Tensor, nn


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E (‖∇f(x̂)‖₂ − 1)² at points between real and fake (Gulrajani et al. 2017, eq. 3).

    One interpolation ε per sample, and the norm over all the values of one sample. The caller
    multiplies by λ.

    Args:
        critic: maps samples (N, *shape) to logits; no batch norm, which ties them together.
        real: (N, *shape).
        fake: the same shape, detached.
    """
    epsilon = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    between = torch.lerp(fake, real, epsilon).requires_grad_(True)
    logits = critic(between)
    (gradient,) = torch.autograd.grad(logits.sum(), between, create_graph=True)
    norms: Tensor = gradient.flatten(1).norm(dim=1)
    return (norms - 1).square().mean()
