"""The papers' optimisers in the form that is fastest for the device at the same arithmetic."""

import torch
from torch import nn


def adam(
    module: nn.Module, lr: float, beta1: float = 0.9, beta2: float = 0.999
) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015) in one fused kernel; the default on a CPU is a Python loop."""
    return torch.optim.Adam(module.parameters(), lr=lr, betas=(beta1, beta2), fused=True)


def rmsprop(module: nn.Module, lr: float) -> torch.optim.Optimizer:
    """RMSprop without momentum (Hinton's lecture 6e), α = 0.99."""
    return torch.optim.RMSprop(module.parameters(), lr=lr)
