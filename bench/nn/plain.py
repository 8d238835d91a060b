"""A network of our layers as a network of torch's own."""

from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from bench.nn.constraints import Spectral
from bench.nn.kernels import Dropout, Linear

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
