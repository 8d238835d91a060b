"""The pictures of a trial's end: what stands where, and that a walk is the sphere's."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bench import seeding
from bench.datasets import mnist, pixels
from bench.evaluation import Evaluator, suite
from bench.tracking import archive
from bench.training import pictures, trial
from bench.training.generator import build
from bench.trials import Trial, event_log
from bench.variants import GAN, registry

from .conftest import MakeTrial


def cell(picture: np.ndarray, row: int, top: int, left: int) -> np.ndarray:
    return picture[row * top : row * top + 28, left : left + 28]


def test_a_trial_ends_with_both_pictures(make_trial: MakeTrial) -> None:
    item = make_trial()
    assert trial.run(item.folder) == "done"
    entries = [entry for entry, _ in event_log.read(item.folder / "journal.jsonl")]
    images = [entry for entry in entries if entry["event"] == "image"]
    drawn = {e["key"]: (e["step"], e["file"]) for e in images if e["key"] != "samples"}
    assert drawn == {
        "neighbours": (960, "neighbours.png"), "interpolation": (960, "interpolation.png")
    }  # fmt: skip
    grid = np.asarray(Image.open(item.folder / "samples" / "000000960.png").convert("L"))
    pairs = np.asarray(Image.open(item.folder / "neighbours.png"))
    walks = np.asarray(Image.open(item.folder / "interpolation.png"))
    assert (pairs.shape, walks.shape) == ((4 * 32 - 4, 8 * 60 - 4), (4 * 30 - 2, 12 * 30 - 2))
    for index in range(8):
        sample = grid[2:30, 2 + 30 * index : 30 + 30 * index]
        np.testing.assert_array_equal(cell(pairs, 32, 0, 60 * index), sample)
        end = cell(walks, 30, index // 2, 330 * (index % 2))
        np.testing.assert_allclose(end.astype(int), sample, atol=1)  # batch norm of another batch


def test_a_conditional_trial_ends_with_a_line_a_class(make_trial: MakeTrial) -> None:
    item = make_trial("cgan", "budget=64", "evaluations=1")
    assert trial.run(item.folder) == "done"
    lines = np.asarray(Image.open(item.folder / "classes.png"))
    assert lines.shape == (10 * 30 - 2, 10 * 30 - 2)
    entries = [entry for entry, _ in event_log.read(item.folder / "journal.jsonl")]
    pictures_of_it = {entry["file"] for entry in entries if entry["event"] == "image"}
    assert "classes.png" in pictures_of_it
    for file in pictures_of_it:
        assert archive.MEMBER.fullmatch(f"trials/{'0' * 64}/{file}"), "an archive may hold it"


def test_each_line_is_of_one_class_and_what_lacks_is_white() -> None:
    images = torch.arange(24, dtype=torch.uint8)[:, None, None, None].expand(24, 1, 28, 28)
    picture = pictures.by_class(images, torch.arange(24) % 3).numpy()
    assert picture.shape == (3 * 30 - 2, 10 * 30 - 2)
    for label in range(3):
        values = [cell(picture, label, 30, 30 * i).max() for i in range(10)]
        assert values == [*range(label, 24, 3), 255, 255]
    many = torch.arange(2000) % 1000
    thousand = torch.zeros(2000, 3, 28, 28, dtype=torch.uint8)
    assert pictures.by_class(thousand, many).shape == (298, 298, 3)


def test_the_nearest_training_image_of_a_copy_is_its_original(mnist_store: Path) -> None:
    train = mnist.load("train").images
    chosen = train[torch.arange(0, 32 * 1500, 1500)]
    picture = pictures.neighbours(Evaluator.load(), chosen, train).numpy()
    for index in range(32):
        row, column = divmod(index, 8)
        np.testing.assert_array_equal(
            cell(picture, 32, row, 60 * column), cell(picture, 32, row, 60 * column + 28)
        )


def test_a_walk_keeps_its_distance_from_the_origin_and_its_pace() -> None:
    start, end = torch.randn(2, 100, generator=seeding.generator("evaluation", 5))
    walk = pictures.spherical(start, 3 * end, 7)
    torch.testing.assert_close(walk[0], start)
    torch.testing.assert_close(walk[-1], 3 * end)
    unit = pictures.spherical(start / start.norm(), end / end.norm(), 7)
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(7))
    paces = (unit[1:] - unit[:-1]).norm(dim=1)
    torch.testing.assert_close(paces, paces[:1].expand(6))


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0])
def test_a_walk_in_one_line_is_straight(factor: float) -> None:
    start = torch.tensor([1.0, 2.0])
    walk = pictures.spherical(start, factor * start, 3)
    torch.testing.assert_close(walk[1], (1 + factor) / 2 * start)
    assert all(math.isfinite(value) for value in walk.flatten())


class _Own(GAN):
    """Samples in a way of its own, so nothing is known of its latents."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(n, 1, 28, 28)


def test_only_games_that_sample_as_the_contract_does_are_walked(tmp_path: Path) -> None:
    images = torch.zeros(100, 1, 28, 28, dtype=torch.uint8)
    evaluator: Any = SimpleNamespace(
        nearest_training=lambda images: torch.arange(len(images)), at=suite.at
    )
    train = torch.full((32, 1, 28, 28), 7, dtype=torch.uint8)
    own: Any = object.__new__(type("Own", (_Own,), dict.fromkeys(_Own.__abstractmethods__)))
    planned = Trial("own", {}, 0, 640, {"samples": 100})
    drawn = pictures.draw(evaluator, own, images, train, planned, tmp_path)
    assert drawn == {"neighbours": "neighbours.png"}
    assert [path.name for path in tmp_path.iterdir()] == ["neighbours.png"]


@pytest.mark.parametrize("variant", ["mlp_bce", "wgan"])
def test_a_walk_is_through_the_generator_and_leaves_it_alone(variant: str) -> None:
    planned = Trial(variant, registry.configure(variant, {}), 3, 640, {"batch": 64, "samples": 100})
    gan = build(planned)
    assert isinstance(gan, GAN)
    before = {name: value.clone() for name, value in gan.G.state_dict().items()}
    picture = pictures.interpolation(gan, planned)
    assert gan.G.training
    assert all(torch.equal(before[n], value) for n, value in gan.G.state_dict().items())
    samples = pixels.to_grid(gan.sample(100, seeding.generator("evaluation", 3)))
    np.testing.assert_allclose(picture[:28, 330:358].int(), samples[1, 0].int(), atol=1)


def test_a_walk_stays_in_its_class() -> None:
    name = "cgan"
    planned = Trial(name, registry.configure(name, {}), 3, 640, {"batch": 64, "samples": 100})
    gan = build(planned)
    assert isinstance(gan, GAN)
    seen = list[Tensor]()
    gan.G.register_forward_pre_hook(lambda network, given: seen.append(given[1]))
    pictures.interpolation(gan, planned)
    assert seen[0].view(4, 12).tolist() == [[label] * 12 for label in (0, 2, 4, 6)]
