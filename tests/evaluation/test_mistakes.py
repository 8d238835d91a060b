"""Samples saved wrongly are recognised; real ones and merely bad ones are not."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.datasets import mnist
from bench.evaluation import Evaluator, digits, mistakes


@pytest.fixture(scope="module")
def evaluator(mnist_store: Path) -> Evaluator:
    return Evaluator.load("mnist")


def _lifted(images: Tensor) -> Tensor:
    return ((images.float() + 255) / 2).round().byte()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda images: 255 - images, "look inverted"),
        (_lifted, r"values in \[0, 1\] that were taken for \[-1, 1\]"),
        (lambda images: images.transpose(2, 3), "look transposed"),
    ],
)
def test_a_mistake_is_named(
    wrong: Callable[[Tensor], Tensor], named: str, evaluator: Evaluator
) -> None:
    (sentence,) = mistakes.recognise(evaluator, wrong(mnist.load("heldout").images))
    assert re.search(named, sentence)


def _one_digit(digit: int) -> Callable[[], Tensor]:
    def images() -> Tensor:
        held = mnist.load("heldout")
        return held.images[held.labels == digit]

    return images


MERELY_BAD: dict[str, Callable[[], Tensor]] = {
    "test": lambda: mnist.load("test").images,
    "uniform noise": digits.noise,
    "blurred": digits.blurred,
    "ten images": digits.ten_images,
    "one 1": _one_digit(1),
    "one 8": _one_digit(8),
    "white": lambda: torch.full((500, 1, 28, 28), 255, dtype=torch.uint8),
    "grey": lambda: torch.full((500, 1, 28, 28), 127, dtype=torch.uint8),
    "too few to say": lambda: 255 - mnist.load("test").images[:99],
}


@pytest.mark.parametrize("name", MERELY_BAD)
def test_nothing_else_is_taken_for_one(name: str, evaluator: Evaluator) -> None:
    assert mistakes.recognise(evaluator, MERELY_BAD[name]()) == []
