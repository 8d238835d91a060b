"""`Linear` and `Dropout` as in torch, from the kernels that are fastest on a processor.

On other devices, in other precisions and where torch lacks the kernel they are torch's own, and
`plain` makes them so for good. Both can be differentiated twice.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from bench.nn.constraints import Spectral

_LEVELS = 2**16
_DROPPED = (torch.float32, torch.bfloat16)


def _onednn() -> Any:
    """torch's operator for oneDNN's x W^T + b, which no documentation promises; None without it.

    A small product decides, because a later version may also want other arguments.
    """
    x, weight, bias = torch.tensor([[2.0, 3.0]]), torch.tensor([[5.0, 7.0]]), torch.tensor([1.0])
    try:
        operator = torch.ops.mkldnn._linear_pointwise
        product = operator(x, weight, bias, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return None
    return operator if product.tolist() == [[32.0]] else None


ONEDNN = _onednn()
"""The operator behind `Linear`; None where `Linear` is torch's own."""


class Linear(nn.Linear):
    """x W^T + b through oneDNN, which beats MKL at the few rows of a training batch."""

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight  # once: a parametrised weight is computed again whenever it is read
        if ONEDNN is not None and input.ndim == 2 and _single(input) and _single(weight):
            product: Tensor = _Product.apply(input, weight, self.bias)
            return product
        return F.linear(input, weight, self.bias)


class _Product(torch.autograd.Function):
    """x W^T + b and its gradients, each of them such a product again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        product: Tensor = ONEDNN(x, weight, bias, "none", [], "")
        return product

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), (x, weight) = gradients, ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            _Product.apply(gradient, weight.t(), None) if for_x else None,
            _Product.apply(gradient.t(), x.t(), None) if for_weight else None,
            gradient.sum(0) if for_bias else None,
        )


class Dropout(nn.Dropout):
    """Inverted dropout (Srivastava et al. 2014) with 16 random bits an element.

    One draw of the generator serves four elements. The rate is rounded to a multiple of 2^-16, and
    what remains is scaled by that same rate, so the expectation is exact.
    """

    def forward(self, input: Tensor) -> Tensor:
        dropped = round(self.p * _LEVELS)
        ours = input.dtype in _DROPPED and input.device.type == "cpu"
        if not (self.training and 0 < dropped < _LEVELS and ours):
            return F.dropout(input, self.p, self.training)
        draws = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        levels = draws.view(torch.int16)[: input.numel()].view(input.shape)
        # In place the comparison stays in int16, which is ten times as fast as by way of bool.
        kept = levels.ge_(dropped - _LEVELS // 2).to(input.dtype)
        return input * kept.mul_(_LEVELS / (_LEVELS - dropped))


def _single(tensor: Tensor) -> bool:
    return (
        tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    )


_TORCHS: dict[type, type[nn.Module]] = {Linear: nn.Linear, Dropout: nn.Dropout}


def plain(network: nn.Module) -> nn.Module:
    """The network itself, its layers made torch's own: the same numbers up to rounding.

    An export of ours would hold on to the processor's kernels; this way it runs on any device. And
    a base line is what everybody else would have.
    """
    if isinstance(network, nn.Linear) and _spectral(network):
        return _normalised_by_torch(network)
    for name, child in network.named_children():
        setattr(network, name, plain(child))
    network.__class__ = _TORCHS.get(type(network), type(network))
    return network


def _spectral(layer: nn.Module) -> bool:
    if not is_parametrized(layer, "weight"):
        return False
    return any(isinstance(module, Spectral) for module in layer.modules())


def _normalised_by_torch(layer: nn.Linear) -> nn.Module:
    # Not those of its weight: reading that would advance the estimate.
    like = next(layer.parameters())
    theirs = nn.Linear(
        layer.in_features, layer.out_features, layer.bias is not None, like.device, like.dtype
    )
    parametrizations.spectral_norm(theirs)
    theirs.load_state_dict(layer.state_dict())
    return theirs.train(layer.training)
