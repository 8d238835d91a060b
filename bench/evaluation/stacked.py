"""The evaluator of Stacked-MNIST: the shipped digit classifier, colour by colour."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench import seeding
from bench.evaluation import extractor, identity
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.extractor import FeatureExtractor

if TYPE_CHECKING:
    from bench.datasets.stacked_mnist import StackedMNIST

SAMPLES = 26_000
"""Behind published numbers (Srivastava et al. 2017; Lin et al. 2018); 25,600 in Metz et al."""
METRICS = ("fid", "fid_heldout", "modes", "modes_any", "mode_kl", "confidence")


class Channels(nn.Module):
    """Features (N, 3 · 64): those of each colour's digit, joined. Logits (N, 1000): the logarithm
    of the product of the three digits' probabilities, the blue digit the last."""

    def __init__(self, digits: nn.Module) -> None:
        super().__init__()
        self.digits = digits

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """From (N, 3, height, width) as networks see them."""
        n = len(images)
        features, logits = self.digits(images.reshape(3 * n, 1, *images.shape[2:]))
        red, green, blue = logits.log_softmax(1).view(n, 3, -1).unbind(1)
        joint = red[:, :, None, None] + green[:, None, :, None] + blue[:, None, None, :]
        return features.view(n, -1), joint.flatten(1)


def evaluator(dataset: "StackedMNIST") -> Evaluator:
    """Modes are compared with equal shares, as all papers do, not with the digits' own.

    Raises:
        UserError: the classifier's weights are missing or altered.
    """
    net = Channels(extractor.network(identity.DIGITS))
    seen = FeatureExtractor(dataset.evaluator_id, net, dataset, equal_classes=True)
    return Evaluator(seen, known_sets=_known_sets(), metrics=METRICS, usual_n=SAMPLES)


def _known_sets() -> dict[str, Callable[[], Tensor]]:
    def ideal_sampler() -> Tensor:
        return of_labels(torch.randint(1000, (SAMPLES,), generator=_stream(0)))

    def ninety_nine() -> Tensor:
        return of_labels(torch.arange(SAMPLES) % 99)

    return {"ideal sampler of all triples": ideal_sampler, "99 triples only": ninety_nine}


def of_labels(labels: Tensor) -> Tensor:
    """Images of these triples (n,), of held-out digits drawn at random."""
    from bench.datasets import mnist

    held = mnist.load("heldout")
    order = torch.argsort(held.labels, stable=True)
    counts = torch.bincount(held.labels, minlength=10)
    wanted = torch.stack([labels // 100, labels // 10 % 10, labels % 10], dim=1)
    place = torch.rand(wanted.shape, generator=_stream(1), dtype=torch.float64) * counts[wanted]
    first = counts.cumsum(0) - counts
    return held.images[:, 0][order[first[wanted] + place.long()]]


def _stream(step: int) -> torch.Generator:
    return seeding.generator("calibration", 1, step)
