"""The two digit classifiers, built differently on purpose so that one can check the other."""

from torch import Tensor, nn


class DigitNet(nn.Module):
    """A frozen feature extractor with a digit head.

    ``forward`` takes (N, 1, 28, 28) float32 in [-1, 1] and returns the penultimate layer's
    features (N, ``num_features``) and the logits (N, 10).
    """

    num_features: int

    def __init__(self, body: nn.Module, num_features: int) -> None:
        super().__init__()
        self.body, self.num_features = body, num_features
        self.head = nn.Linear(num_features, 10)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images)
        return features, self.head(features)


def _conv(inputs: int, outputs: int, size: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def digits() -> DigitNet:
    """The evaluator: four convolutions, max pooling, a linear 64-feature bottleneck; 5.5 M MACs."""
    body = nn.Sequential(
        *_conv(1, 20, 3),
        *_conv(20, 40, 3, stride=2),
        nn.MaxPool2d(2),
        *_conv(40, 64, 3),
        *_conv(64, 96, 3),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(96 * 9, 64),
        nn.BatchNorm1d(64),
    )
    return DigitNet(body, 64)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.first = nn.GroupNorm(8, width), nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.act(self.first(self.norm(x))))
        return out


def alternative() -> DigitNet:
    """The second one: residual, group-normalised, SiLU, average-pooled, 64 features."""
    body = nn.Sequential(
        nn.Conv2d(1, 24, 4, stride=2, padding=1),
        nn.SiLU(),
        nn.Conv2d(24, 64, 3, stride=2, padding=1),
        _Residual(64),
        _Residual(64),
        nn.GroupNorm(8, 64),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return DigitNet(body, 64)


BUILDERS = {"digits": digits, "alternative": alternative}
