"""What MNIST is stands in its own files: nobody else knows its shape, its classes or its levels."""

import re
import tokenize
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
OWN = {
    "datasets/mnist.py",
    "datasets/stacked_mnist.py",  # made of it
    "evaluation/stacked.py",
    "datasets/pixels.py",  # of any images: how levels are stored
    "evaluation/digits.py",
    "evaluation/identity.py",
    "evaluation/networks.py",  # the digit classifiers
    "evaluation/recipe.py",
    "evaluation/samples.py",  # how levels are stored
}
NUMBERS = {"28", "784", "255", "127.5"}
OTHERS = [
    str(path.relative_to(TREE / "bench"))
    for path in sorted((TREE / "bench").rglob("*.py"))
    if str(path.relative_to(TREE / "bench")) not in OWN
]


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_file_knows_mnist(name: str) -> None:
    path = TREE / "bench" / name
    with path.open("rb") as file:
        numbers = [t for t in tokenize.tokenize(file.readline) if t.type == tokenize.NUMBER]
    assert not [token.line for token in numbers if token.string in NUMBERS]
    text = path.read_text(encoding="utf-8")
    assert not re.findall(
        r".*import.*\bmnist\b.*|.*\b784\b.*|.*\b28, 28\b.*|.*28 ?[×x] ?28.*", text
    )


def test_the_list_of_its_own_files_is_true() -> None:
    assert all((TREE / "bench" / name).is_file() for name in OWN)
