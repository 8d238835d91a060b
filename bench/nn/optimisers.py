"""The papers' optimisers in the form that is fastest for the device, to the same rounding."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam as adam_step

_LONG_AGO = 1e9


def adam(
    module: nn.Module, lr: float, beta1: float = 0.9, beta2: float = 0.999
) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015) in one fused kernel; the default on a CPU is a Python loop."""
    return torch.optim.Adam(module.parameters(), lr=lr, betas=(beta1, beta2), fused=True)


def rmsprop(module: nn.Module, lr: float) -> torch.optim.Optimizer:
    """RMSprop without momentum (Hinton's lecture 6e), α = 0.99."""
    return _RMSprop(module.parameters(), lr=lr)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """θ̄ ← β θ̄ + (1 − β) θ (Yazıcı et al. 2019, eq. 2); buffers (batch norm's) are copied."""
    for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, 1 - decay)
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(buffer)


class _RMSprop(torch.optim.RMSprop):
    """torch's RMSprop, to rounding, in one pass over the weights where torch takes five.

    The pass is that of the fused Adam: with β₁ = 0 its first moment is the gradient itself, and
    after long enough its bias correction divides by 1. On other devices it is torch's own, from and
    to the same state.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        everything = [weight for group in self.param_groups for weight in group["params"]]
        if closure is not None or not all(weight.is_cpu for weight in everything):
            return super().step(closure)
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            gradients = [weight.grad for weight in weights]
            adam_step(
                weights, gradients, gradients, [self._square(weight) for weight in weights], [],
                [torch.tensor(_LONG_AGO)] * len(weights),
                fused=True, lr=group["lr"], beta1=0.0, beta2=group["alpha"], weight_decay=0.0,
                eps=group["eps"], amsgrad=False, maximize=False,
            )  # fmt: skip
        return None

    def _square(self, weight: Tensor) -> Tensor:
        """The running mean of the squared gradient, in the state that torch's RMSprop keeps."""
        state = self.state[weight]
        if not state:
            state["step"], state["square_avg"] = torch.tensor(0.0), torch.zeros_like(weight)
        square: Tensor = state["square_avg"]
        return square
