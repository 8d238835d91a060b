"""`ganbench score`: numbers beside what real images get at the same n, and what is left out."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli import measuring
from bench.datasets import mnist
from bench.errors import UserError
from bench.evaluation import Evaluator

Splits = dict[str, mnist.Images]


@pytest.fixture(autouse=True)
def small(small_evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> Evaluator:
    monkeypatch.setattr(Evaluator, "load", lambda dataset: small_evaluator)
    monkeypatch.setattr(mnist.MNIST, "ensure", lambda self, report: report("fetched"))
    return small_evaluator


def _samples(splits: Splits, n: int, path: Path) -> Path:
    images = splits["train"].images[:n].numpy()
    np.savez(path / "a.npz", images=images, labels=np.array([None], dtype=object))
    return path / "a.npz"


def test_each_number_has_its_floor(
    small: Evaluator, small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measuring.score(_samples(small_mnist, 100, tmp_path))
    out, err = capsys.readouterr()
    assert "Floor: what real held-out samples get at the same n." in out
    (fid,) = [line for line in out.splitlines() if line.startswith("  fid  ")]
    assert fid.endswith(f", floor {small.floor(100)['fid']:.4g}")
    assert "a.npz is measured; left out: labels." in err


def test_the_floor_is_in_the_json(
    small: Evaluator, small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measuring.score(_samples(small_mnist, 50, tmp_path), as_json=True)
    assert json.loads(capsys.readouterr().out)["floor"] == small.floor(50, final=True)


def test_more_samples_than_real_images(
    small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measuring.score(_samples(small_mnist, 301, tmp_path))
    out = capsys.readouterr().out
    assert "There is no floor, because fewer real samples are held out than were given." in out
    assert ", floor" not in out


def _extractor(path: Path, channels: int) -> Path:
    (path / "own.py").write_text(
        "from torch import nn\n"
        "def extractor():\n"
        f"    return nn.Sequential(nn.Conv2d({channels}, 4, 28), nn.Flatten())\n"
    )
    return path / "own.py"


def test_an_extractor_for_three_channels_is_told_what_it_gets(
    small_mnist: Splits, tmp_path: Path
) -> None:
    with pytest.raises(
        UserError, match=r"to have 3 channels.* gets images of shape \(N, 1, 28, 28"
    ):
        measuring.score(
            _samples(small_mnist, 50, tmp_path), extractor=_extractor(tmp_path, channels=3)
        )


def test_an_own_extractor_is_measured_without_a_floor(
    small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = _samples(small_mnist, 50, tmp_path)
    measuring.score(samples, as_json=True, extractor=_extractor(tmp_path, channels=1))
    result = json.loads(capsys.readouterr().out)
    assert result["ruler"].startswith("own-")
    assert result["metrics"]["fid"] > 0
    assert result["floor"] == {}
