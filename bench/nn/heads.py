"""What else a network may take than samples, and a discriminator answer than one logit.

Labels are the class of each sample, (N,) int64.
"""

import torch
from torch import Tensor, nn

from bench.nn.convolutional import Wrap, as_it_is
from bench.nn.fast import Linear


class Conditioned(nn.Module):
    """A network that takes the one-hot label joined to its input (Mirza & Osindero 2014, eq. 2).

    Args:
        network: from (N, values + classes); or from (N, channels + classes, height, width).
        classes: of the data set.
        maps: whether the label is joined as that many constant channels.
    """

    def __init__(self, network: nn.Module, classes: int, *, maps: bool = False) -> None:
        super().__init__()
        self.network, self.maps = network, maps
        self.register_buffer("one_hot", torch.eye(classes), persistent=False)

    def forward(self, values: Tensor, labels: Tensor) -> Tensor:
        """From (N, ...) and (N,) int64."""
        condition = self.get_buffer("one_hot")[labels].to(values.dtype)
        if self.maps:
            condition = condition[:, :, None, None].expand(-1, -1, *values.shape[2:])
        else:
            values = values.flatten(1)
        answer: Tensor = self.network(torch.cat([values, condition], 1))
        return answer


class Projection(nn.Module):
    """⟨w + e(y), φ(x)⟩: a label enters through an inner product (Miyato & Koyama 2018, eq. 3).

    Args:
        network: a discriminator that ends in a linear map; what comes before that is φ.
        classes: of the data set.
        wrap: what the embedding e is passed through, as the other maps are.
    """

    def __init__(self, network: nn.Sequential, classes: int, wrap: Wrap = as_it_is) -> None:
        super().__init__()
        self.features, self.linear, width = _cut(network)
        self.embedding = wrap(nn.Embedding(classes, width))

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        features = self.features(samples)
        projected = (self.embedding(labels) * features).sum(1, keepdim=True)
        logits: Tensor = self.linear(features) + projected
        return logits


class Classified(nn.Module):
    """A discriminator with a second head, which names the class (Odena et al. 2017).

    Its logit does not depend on the label.

    Args:
        network: a discriminator that ends in a linear map.
        classes: of the data set.
    """

    def __init__(self, network: nn.Sequential, classes: int) -> None:
        super().__init__()
        self.features, self.linear, width = _cut(network)
        self.head = Linear(width, classes)

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.features(samples))
        return logits

    def classify(self, samples: Tensor) -> Tensor:
        """The logits of all classes, (N, classes)."""
        logits: Tensor = self.head(self.features(samples))
        return logits


class Autoencoder(nn.Module):
    """The error of each sample's reconstruction, (N, 1), as the logit of an autoencoder.

    It is L(x) = mean |x − D(x)| over the values of a sample (Berthelot et al. 2017, eq. 1).

    Args:
        network: a discriminator, whose linear map at the end is replaced by one to the code.
        decoder: from codes (N, code) to samples.
        code: how many values.
    """

    def __init__(self, network: nn.Sequential, decoder: nn.Module, code: int) -> None:
        super().__init__()
        features, _, width = _cut(network)
        self.rebuild = nn.Sequential(features, Linear(width, code), decoder)

    def forward(self, samples: Tensor) -> Tensor:
        error: Tensor = samples - self.rebuild(samples)
        return error.abs().flatten(1).mean(1, keepdim=True)


def _cut(network: nn.Sequential) -> tuple[nn.Sequential, nn.Module, int]:
    """All but the last layer, the last layer, and how many features it takes."""
    last = network[-1]
    assert isinstance(last, nn.Linear)
    return network[:-1], last, last.in_features
