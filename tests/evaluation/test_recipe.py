"""Retraining a classifier: the same recipe gives the same weights, in the form that is shipped."""

import dataclasses
from pathlib import Path

import pytest
import safetensors.torch

from bench.datasets import files
from bench.errors import UserError
from bench.evaluation import identity, recipe
from bench.evaluation.networks import BUILDERS


@pytest.fixture
def short(small_mnist: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, full in recipe.SHIPPED.items():
        monkeypatch.setitem(recipe.SHIPPED, name, dataclasses.replace(full, epochs=1, batch=250))


@pytest.mark.parametrize("network", list(BUILDERS))
def test_retraining_writes_the_shipped_form(short: None, network: str, tmp_path: Path) -> None:
    lines: list[str] = []
    done = recipe.retrain(network, tmp_path / "new.safetensors", lines.append)
    assert len(lines) == 1
    assert lines[0].startswith("epoch 1/1")
    assert done.sha256 == files.digest_of(tmp_path / "new.safetensors")
    assert done.accuracy == pytest.approx(100 - sum(done.errors) / 3)
    assert len(done.errors) == 10
    shipped = {"digits": identity.DIGITS, "alternative": identity.ALTERNATIVE}[network].path
    new, old = (safetensors.torch.load_file(p) for p in (tmp_path / "new.safetensors", shipped))
    assert {k: v.shape for k, v in new.items()} == {k: v.shape for k, v in old.items()}


def test_retraining_repeats(short: None, tmp_path: Path) -> None:
    one = recipe.retrain("digits", tmp_path / "one.safetensors")
    assert one == recipe.retrain("digits", tmp_path / "two.safetensors")


def test_an_unknown_classifier(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no classifier 'digit': did you mean 'digits'\?"):
        recipe.retrain("digit", tmp_path / "new.safetensors")


def test_a_place_that_cannot_be_written(short: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"Cannot write .*new\.safetensors"):
        recipe.retrain("digits", tmp_path / "file" / "new.safetensors")
