"""A data set of one file: 8 × 8 pictures of four shapes, made from a seed, with their evaluator."""

from typing import Any

import torch
from torch import Tensor, nn

from bench.datasets import Samples, register
from bench.datasets.pixels import ImageDataset

SIZES = {"train": 2000, "heldout": 600, "test": 600}


def templates() -> Tensor:
    """(4, 1, 8, 8) in [0, 1]: a horizontal bar, a vertical bar, a cross, a frame."""
    shapes = torch.zeros(4, 1, 8, 8)
    shapes[0, :, 3:5] = shapes[1, :, :, 3:5] = 1
    shapes[2] = torch.maximum(shapes[0], shapes[1])
    shapes[3, :, 1:7, 1:7] = 1
    shapes[3, :, 2:6, 2:6] = 0
    return shapes


@register("shapes")
class Shapes(ImageDataset):
    """Four shapes of 8 × 8 grey levels, moved by a pixel, brighter or darker."""

    shape = (1, 8, 8)
    classes = 4

    def split(self, name: str) -> Samples:
        stream = torch.Generator().manual_seed(list(SIZES).index(name))
        labels = torch.randint(4, (SIZES[name],), generator=stream)
        moves = torch.randint(-1, 2, (len(labels), 2), generator=stream).tolist()
        light = 0.6 + 0.4 * torch.rand(len(labels), 1, 1, 1, generator=stream)
        moved = [
            torch.roll(shape, move, (1, 2))
            for shape, move in zip(templates()[labels], moves, strict=True)
        ]
        return Samples((255 * light * torch.stack(moved)).round().byte(), labels)

    def evaluator(self) -> Any:
        from bench.evaluation import Evaluator
        from bench.evaluation.extractor import FeatureExtractor

        return Evaluator(FeatureExtractor("shapes-v1", Templates(), self))


class Templates(nn.Module):
    """Features: the 16 means of 2 × 2 pixels; logits: the likeness to each of the four shapes."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        distances = torch.stack(
            [
                (images - torch.roll(2 * shape - 1, (y, x), (1, 2))).square().flatten(1).sum(1)
                for shape in templates()
                for y in (-1, 0, 1)
                for x in (-1, 0, 1)
            ],
            dim=1,
        )
        features = nn.functional.avg_pool2d(images, 2).flatten(1)
        return features, -distances.view(-1, 4, 9).amin(2)
