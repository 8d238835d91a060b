"""`ganbench score`: numbers beside what real images get at the same n, and what is left out."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import datasets
from bench.cli import scoring
from bench.datasets import mnist
from bench.errors import UserError
from bench.evaluation import Evaluator, mistakes

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
    scoring.score(_samples(small_mnist, 100, tmp_path))
    out, err = capsys.readouterr()
    assert "Floor: what real held-out samples get at the same n." in out
    (fid,) = [line for line in out.splitlines() if line.startswith("  fid  ")]
    assert fid.endswith(f", lower is better, floor {small.floor(100)['fid']:.4g}")
    assert "How far samples are from the test images; bad images and missing kinds" in out
    (shares,) = [line for line in out.splitlines() if line.startswith("  digit_share  ")]
    assert re.search(r" 4: 0\.\d+; 5: ", shares)
    assert "a.npz is measured; left out: labels." in err


def test_the_floor_is_in_the_json(
    small: Evaluator, small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scoring.score(_samples(small_mnist, 50, tmp_path), as_json=True)
    assert json.loads(capsys.readouterr().out)["floor"] == small.floor(50, final=True)


def test_more_samples_than_real_images(
    small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scoring.score(_samples(small_mnist, 301, tmp_path))
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
        scoring.score(
            _samples(small_mnist, 50, tmp_path), extractor=_extractor(tmp_path, channels=3)
        )


def test_an_own_extractor_is_measured_without_a_floor(
    small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = _samples(small_mnist, 50, tmp_path)
    scoring.score(samples, as_json=True, extractor=_extractor(tmp_path, channels=1))
    result = json.loads(capsys.readouterr().out)
    assert result["ruler"].startswith("own-")
    assert result["metrics"]["fid"] > 0
    assert result["floor"] == {}


def test_a_page_with_pictures_next_to_the_judgement(
    small_mnist: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The samples are training images: copies."""
    page = tmp_path / "new" / "report.html"
    scoring.score(_samples(small_mnist, 100, tmp_path), html=page)
    out, err = capsys.readouterr()
    assert "Copies of training samples: 100 % of the samples are nearer to" in out
    assert f"The page is {page}." in err
    text = page.read_text(encoding="utf-8")
    assert "Copies of training samples: 100 %" in text
    assert "How far samples are from the test images; bad images and missing kinds" in text
    assert "Pairs of a sample and the training image nearest to it" in text
    assert "://" not in text
    assert re.findall(r'src="([^,]*),', text) == ["data:image/png;base64"]
    png = base64.b64decode(text.partition('src="data:image/png;base64,')[2].partition('"')[0])
    picture = torch.from_numpy(np.array(Image.open(io.BytesIO(png))))
    assert picture.shape == (4 * 32 - 4, 8 * 60 - 4)
    assert torch.equal(picture[:28, :28], picture[:28, 28:56])


def test_points_are_drawn_and_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = datasets.get("ring")
    evaluator = ring.evaluator()
    monkeypatch.setattr(Evaluator, "load", lambda dataset: evaluator)
    points = ring.split("heldout").values[:400].numpy().copy()
    points[:] = points[:1] + np.random.default_rng(0).normal(0, 0.001, points.shape)
    np.save(tmp_path / "a.npy", points)
    scoring.score(tmp_path / "a.npy", dataset="ring", html=tmp_path / "a.html")
    assert "Collapsed onto few classes: 1 of 8 are drawn." in capsys.readouterr().out
    assert "The first samples." in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_what_was_saved_wrongly_is_said(
    small_mnist: Splits,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mistakes, "recognise", lambda evaluator, samples: ["They look inverted."])
    samples = _samples(small_mnist, 100, tmp_path)
    scoring.score(samples)
    assert "\nThey look inverted.\nCorrect that first: the numbers are" in capsys.readouterr().out
    scoring.score(samples, as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["n"] == 100
    assert "They look inverted.\n" in err


@pytest.mark.parametrize(("n", "size"), [(5, (28, 5 * 60 - 4)), (11, (28, 8 * 60 - 4))])
def test_a_page_of_few_samples(
    n: int, size: tuple[int, int], small_mnist: Splits, tmp_path: Path
) -> None:
    scoring.score(_samples(small_mnist, n, tmp_path), html=tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    png = base64.b64decode(text.partition('src="data:image/png;base64,')[2].partition('"')[0])
    assert np.array(Image.open(io.BytesIO(png))).shape == size
