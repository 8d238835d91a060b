"""Lipschitz constraints on a discriminator, and holding it still during a generator's step."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import ParametrizationList


@torch.no_grad()
def clip_weights(module: nn.Module, limit: float) -> None:
    """Clamp every weight and bias to [−limit, limit] (Arjovsky et al. 2017, Algorithm 1, line 7).

    Scales and shifts of normalisation layers are left alone: clipping them would switch the layer
    off rather than bound it.
    """
    for part in module.modules():
        if not isinstance(part, _NormBase | nn.LayerNorm | nn.GroupNorm):
            for weight in part.parameters(recurse=False):
                weight.clamp_(-limit, limit)


def spectral(layer: nn.Module) -> nn.Module:
    """Divide a layer's weight by its largest singular value (Miyato et al. 2018, eq. 8).

    One power iteration per forward pass in training mode (Algorithm 1). Every discriminator step
    is one pass, over real and fake images together, and `frozen` holds the iteration still in the
    generator's step: so the estimate advances exactly once a discriminator step.
    """
    return parametrizations.spectral_norm(layer)


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
