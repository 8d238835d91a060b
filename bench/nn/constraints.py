"""Lipschitz constraints on a discriminator, and holding it still during a generator's step."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import ParametrizationList, register_parametrization

BATCH_NORMS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.LazyBatchNorm1d, nn.LazyBatchNorm2d, nn.LazyBatchNorm3d),
)
"""Layers whose output for one sample depends on the others of its batch."""
NORMALISATIONS = (
    *BATCH_NORMS,
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.LazyInstanceNorm1d, nn.LazyInstanceNorm2d, nn.LazyInstanceNorm3d),
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm),
)
"""Layers whose weights are scales and shifts."""

_FIRST_ITERATIONS = 15


@torch.no_grad()
def clip_weights(module: nn.Module, limit: float) -> None:
    """Clamp every weight and bias to [−limit, limit] (Arjovsky et al. 2017, Algorithm 1, line 7).

    Scales and shifts of normalisation layers are left alone: clipping them would switch the layer
    off rather than bound it.
    """
    for part in module.modules():
        if not isinstance(part, NORMALISATIONS):
            for weight in part.parameters(recurse=False):
                weight.clamp_(-limit, limit)


def spectral(layer: nn.Module) -> nn.Module:
    """Divide a layer's weight by its largest singular value (Miyato et al. 2018, eq. 8).

    One power iteration per forward pass in training mode (Algorithm 1). Every discriminator step
    is one pass, over real and fake images together, and `frozen` holds the iteration still in the
    generator's step: so the estimate advances exactly once a discriminator step.
    """
    if isinstance(layer, nn.Linear):
        return register_parametrization(layer, "weight", Spectral(layer.weight))
    return parametrizations.spectral_norm(layer)


class Spectral(nn.Module):
    """torch's spectral_norm for matrices, to the same numbers.

    Its gradient takes a third of the passes over the weight, which are a fifth of a step there.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        for name, size in zip(("_u", "_v"), weight.shape, strict=True):
            start = torch.randn(size, dtype=weight.dtype)
            self.register_buffer(name, F.normalize(start, dim=0))
        for _ in range(_FIRST_ITERATIONS):
            self._iterate(weight)

    def forward(self, weight: Tensor) -> Tensor:
        # A GPU's autocast, unlike a processor's, would iterate in half precision.
        with torch.autocast(weight.device.type, enabled=False):
            if self.training:
                self._iterate(weight)
            normalised: Tensor
            # Copies, because a gradient may be asked for after the next iteration.
            normalised, _ = _Normalised.apply(weight, self._u.clone(), self._v.clone())
            return normalised

    @torch.no_grad()
    def _iterate(self, weight: Tensor) -> None:
        self._u.copy_(F.normalize(torch.mv(weight, self._v), dim=0))
        self._v.copy_(F.normalize(torch.mv(weight.t(), self._u), dim=0))


class _Normalised(torch.autograd.Function):
    """W / σ and σ = uᵀWv, with u and v constants, as in Miyato et al. 2018, eq. 10 to 12."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        sigma = torch.dot(u, torch.mv(weight, v))
        normalised = weight / sigma
        ctx.save_for_backward(normalised, sigma, u, v)
        return normalised, sigma

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient, for_sigma), (normalised, sigma, u, v) = gradients, ctx.saved_tensors
        along = for_sigma - torch.dot(gradient.flatten(), normalised.flatten()) / sigma
        return (gradient / sigma).addr_(along * u, v), None, None


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Hold a network still while gradients flow through it: no weight gradient, no iteration.

    Dropout stays on, because the generator plays against the discriminator that is being trained.
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    iterations = [m for m in module.modules() if isinstance(m, ParametrizationList) and m.training]
    for weight in weights:
        weight.requires_grad_(False)
    for iteration in iterations:
        iteration.eval()
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
        for iteration in iterations:
            iteration.train()
