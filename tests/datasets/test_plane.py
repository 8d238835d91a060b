"""Points in the plane: where the modes are, that every machine draws the same points, pictures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import datasets
from bench.datasets import scatter
from bench.datasets.plane import Mixture


def mixture(name: str) -> Mixture:
    dataset = datasets.get(name)
    assert isinstance(dataset, Mixture)
    return dataset


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_modes_are_distinct_and_equally_likely(name: str, modes: int) -> None:
    dataset = mixture(name)
    assert len(dataset.centres.unique(dim=0)) == dataset.classes == modes
    train = dataset.split("train")
    assert train.labels is not None
    shares = torch.bincount(train.labels, minlength=modes) / len(train)
    assert (shares - 1 / modes).abs().max() < 0.005
    offsets = (train.values - dataset.centres[train.labels]) / dataset.sd
    assert offsets.mean(0).abs().max() < 0.02
    assert (offsets.std(0) - 1).abs().max() < 0.02


def test_the_published_radius_and_spacing() -> None:
    assert mixture("ring").centres.norm(dim=1).sub(1).abs().max() < 1e-12
    assert sorted({float(x) for x in mixture("grid").centres.flatten()}) == [-4, -2, 0, 2, 4]


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_splits_are_a_pure_function_and_do_not_overlap(name: str) -> None:
    dataset = mixture(name)
    assert torch.equal(dataset.split("train").values, dataset.split("train").values)
    parts = [dataset.split(split).values for split in ("train", "heldout", "test")]
    together = torch.cat(parts)
    # The points are so fine a grid that a few of them fall together by chance.
    assert len(together.unique(dim=0)) > len(together) - 20


def test_another_process_has_the_same_digest() -> None:
    code = "from bench import datasets; print(datasets.get('ring').digest)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == mixture("ring").digest != mixture("grid").digest


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_networks_see_the_points_within_one(name: str) -> None:
    dataset = mixture(name)
    stored = dataset.split("test").values
    seen = dataset.encode(stored)
    assert seen.dtype == torch.float32
    assert 0.5 < seen.abs().max() < 1
    assert torch.allclose(dataset.decode(seen), stored, atol=1e-6)


def test_a_picture_shows_dots_where_points_are(tmp_path: Path) -> None:
    mixture("ring").draw(torch.full((100, 2), 0.5, dtype=torch.float64), tmp_path / "one.png")
    levels = np.asarray(Image.open(tmp_path / "one.png"))
    assert levels.shape == (scatter.SIDE, scatter.SIDE, 3)
    # 0.5 of 1.25 to the right of the middle, and as much above it.
    assert levels[scatter.SIDE * 3 // 10, scatter.SIDE * 7 // 10].max() < 120
    assert levels[scatter.SIDE * 7 // 10, scatter.SIDE * 7 // 10].min() == 255


def test_the_surface_lies_behind_the_points_it_was_asked_of(tmp_path: Path) -> None:
    ring = mixture("ring")
    right_half = ring.lattice(16)[:, 0].view(16, 16)
    ring.draw(torch.zeros(100, 2).double(), tmp_path / "one.png", right_half)
    levels = np.asarray(Image.open(tmp_path / "one.png")).astype(int)
    red_less_blue = (levels[..., 0] - levels[..., 2]).mean(axis=0)
    assert red_less_blue[5] < -50
    assert red_less_blue[-5] > 50
    upper_half = ring.lattice(16)[:, 1].view(16, 16)
    ring.draw(torch.zeros(100, 2).double(), tmp_path / "two.png", upper_half)
    levels = np.asarray(Image.open(tmp_path / "two.png")).astype(int)
    assert (levels[5, :, 0] - levels[5, :, 2]).mean() > 50
