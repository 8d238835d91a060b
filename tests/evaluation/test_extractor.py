"""Frozen extractors: only the known weights, folded without a change, and a user's own file."""

import dataclasses
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from bench.datasets import pixels
from bench.errors import UserError
from bench.evaluation import extractor, identity
from bench.evaluation.identity import Shipped
from bench.evaluation.networks import BUILDERS

IMAGES = torch.randint(
    0, 256, (300, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
)
SHIPPED = [identity.DIGITS, identity.ALTERNATIVE]


@pytest.mark.parametrize("which", SHIPPED)
def test_shipped_weights_fit_their_digest_and_size(which: Shipped) -> None:
    assert extractor.shipped(which).id == which.id
    assert which.path.stat().st_size <= 4e6
    card = which.path.with_suffix(".md").read_text(encoding="utf-8")
    assert which.id in card


@pytest.mark.parametrize("which", SHIPPED)
def test_passes_equal_the_plain_network(which: Shipped) -> None:
    plain = BUILDERS[which.network]()
    plain.load_state_dict(safetensors.torch.load_file(which.path))
    with torch.inference_mode():
        features, logits = plain.eval()(pixels.to_float(IMAGES))
    parts = list(extractor.shipped(which).passes(IMAGES))
    assert [len(part[0]) for part in parts] == [250, 50]
    seen = torch.cat([part[0] for part in parts])
    assert seen.dtype == torch.float64
    torch.testing.assert_close(seen, features.double(), rtol=1e-3, atol=1e-3)
    read = torch.cat([part[1] for part in parts if part[1] is not None])
    torch.testing.assert_close(read, logits.double(), rtol=1e-3, atol=1e-3)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The digit classifier's weights where they may be damaged."""
    path = tmp_path / "digits-v1.safetensors"
    path.write_bytes(identity.DIGITS.path.read_bytes())
    monkeypatch.setattr(Shipped, "path", property(lambda self: path))
    return path


def test_weights_are_frozen_and_in_eval_mode(copied: Path) -> None:
    net = extractor.shipped(identity.DIGITS)._net
    assert not any(module.training for module in net.modules())
    assert not any(weight.requires_grad for weight in net.parameters())


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
def test_damaged_weights_are_never_used(damage: str, copied: Path) -> None:
    whole = copied.read_bytes()
    damaged = {
        "flipped": whole[:-1] + bytes([whole[-1] ^ 1]), "truncated": whole[:-9], "empty": b"",
    }  # fmt: skip
    copied.write_bytes(damaged[damage])
    with pytest.raises(UserError) as caught:
        extractor.shipped(identity.DIGITS)
    sentence = str(caught.value)
    assert str(copied) in sentence
    assert f"expected sha256 {identity.DIGITS.sha256}, found " in sentence
    assert "checkout -- bench/evaluation/weights/digits-v1.safetensors`" in sentence


def test_missing_weights_are_told_with_what_mends_them(copied: Path) -> None:
    copied.unlink()
    with pytest.raises(UserError, match=r"weights .* are missing: run `git -C /.* checkout"):
        extractor.shipped(identity.DIGITS)


def test_another_version_is_another_id() -> None:
    other = dataclasses.replace(identity.DIGITS, version=2)
    assert other.id != identity.DIGITS.id
    assert other.path.name == "digits-v2.safetensors"


_OWN = """
from torch import nn
import torch

def extractor():
    torch.manual_seed(SEED)
    return nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(16, 5))
"""


def _file(tmp_path: Path, text: str, name: str = "own.py") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_users_extractor_is_named_by_text_and_weights(tmp_path: Path) -> None:
    first = extractor.from_file(_file(tmp_path, _OWN.replace("SEED", "1")))
    again = extractor.from_file(tmp_path / "own.py")
    other = extractor.from_file(_file(tmp_path, _OWN.replace("SEED", "2")))
    assert first.id == again.id != other.id
    assert first.id.startswith("own-")
    features, logits = next(first.passes(IMAGES))
    assert features.shape == (250, 5)
    assert logits is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nowhere_to_be_found", "does not load .*ModuleNotFoundError"),
        ("def extractor(: pass", "does not load .*SyntaxError"),
        ("x = 1", "does not load .* it must define `extractor"),
        ("def extractor(): return 3", "returned a int: return a torch.nn.Module"),
        ("import sys\nsys.exit(0)", r"does not load \(SystemExit: 0\): it must define"),
        ("def extractor(): raise SystemExit", r"does not load \(SystemExit\): it must define"),
    ],
)
def test_a_users_file_that_is_none(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=why):
        extractor.from_file(_file(tmp_path, text))


def test_a_users_file_that_is_not_there_or_not_python(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no feature extractor"):
        extractor.from_file(tmp_path / "own.py")
    with pytest.raises(UserError, match=r"must end in \.py"):
        extractor.from_file(_file(tmp_path, _OWN, "own.txt"))


class _Returns(nn.Module):
    def __init__(self, *shapes: tuple[int, ...], fill: float = 0.0) -> None:
        super().__init__()
        self.shapes, self.fill = shapes, fill

    def forward(self, images: torch.Tensor) -> object:
        out = tuple(torch.full((len(images), *shape), self.fill) for shape in self.shapes)
        return out if len(out) > 1 else out[0]


class _Gives(nn.Module):
    """Returns what a function makes of the flat images."""

    def __init__(self, give: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.give = give

    def forward(self, images: Tensor) -> object:
        return self.give(images.flatten(1))


_CONTRACT = (
    "its forward gets images of shape (N, 1, 28, 28), float32 in [-1, 1], and returns a tensor of "
    "features (N, d), or features and logits (N, 10)."
)


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (_Returns((3, 3)), r"features of shape \(250, 3, 3\) for 250 images instead of"),
        (_Returns((3,), (7,)), r"logits of shape \(250, 7\) for 250 images"),
        (_Returns((3,), fill=float("nan")), "values that are not finite"),
        (_Returns((3,), (10,), (2,)), "a tuple of 3"),
        (_Returns((3, 1, 1)), r"features of shape \(250, 3, 1, 1\) for 250 images"),
        (_Returns((0,)), r"features of shape \(250, 0\) for 250 images"),
        (_Gives(lambda x: {"features": x}), "features of the type dict"),
        (_Gives(lambda x: [x]), "features of the type list"),
        (_Gives(lambda x: OrderedDict(last=x)), "features of the type OrderedDict"),
        (_Gives(lambda x: x.numpy()), "features of the type ndarray"),
        (_Gives(lambda x: None), "features of the type NoneType"),
        (_Gives(lambda x: (x, "digit")), "logits of the type str"),
        (_Gives(lambda x: x + 0j), "features that are no dense tensor of real numbers"),
        (_Gives(lambda x: x.to_sparse()), "features that are no dense tensor of real numbers"),
    ],
)
def test_what_an_extractor_must_return(net: nn.Module, why: str) -> None:
    with pytest.raises(UserError, match=f"The feature extractor mine returned {why}") as caught:
        next(extractor.FeatureExtractor("mine", net).passes(IMAGES))
    assert str(caught.value).endswith(_CONTRACT)


@pytest.mark.parametrize(
    "give", [lambda x: (x, x[:, :10]), lambda x: (x, None), lambda x: x.long(), lambda x: x.half()]
)
def test_what_an_extractor_may_return(give: Callable[[Tensor], object]) -> None:
    features, logits = next(extractor.FeatureExtractor("mine", _Gives(give)).passes(IMAGES))
    assert features.dtype == torch.float64
    assert logits is None or logits.shape == (250, 10)


_NET = "from torch import nn\nimport torch\ndef extractor(): return "
_FLAT = "nn.Sequential(nn.Flatten(), nn.Linear(784, 4))"


@pytest.mark.parametrize(
    ("net", "why"),
    [
        ("nn.Conv2d(3, 4, 3)", "RuntimeError: .* to have 3 channels, but got 1 channels"),
        (f"{_FLAT}.bfloat16()", "RuntimeError: .*BFloat16"),
        (f"{_FLAT}.half()", "RuntimeError: .*Half"),
        (f"{_FLAT}.double()", "RuntimeError: .*Double"),
        ("nn.Linear(5, 4)", "RuntimeError: .*mat1 and mat2 shapes cannot be multiplied"),
        ("nn.Module()", 'NotImplementedError: .*is missing the required "forward" function'),
    ],
)
def test_a_forward_that_fails(net: str, why: str, tmp_path: Path) -> None:
    own = extractor.from_file(_file(tmp_path, _NET + net))
    with pytest.raises(UserError, match=rf"extractor own-\w+ failed \({why}") as caught:
        next(own.passes(IMAGES))
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert _CONTRACT[:-1] in sentence
    assert "images.expand(-1, 3, -1, -1)" in sentence
    assert "call .float()" in sentence


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError(), "KeyError"),
        (ValueError("one\n[two]"), "ValueError: one"),
        (RuntimeError("failed in the TorchScript interpreter.\nwhy"), "RuntimeError: why"),
    ],
)
def test_the_reason_of_a_failure_is_one_line(error: Exception, reason: str, tmp_path: Path) -> None:
    text = (
        "from torch import nn\nclass Net(nn.Module):\n"
        f"    def forward(self, images):\n        raise {error!r}\n"
        "def extractor(): return Net()"
    )
    with pytest.raises(UserError, match=rf"failed \({reason}\): its forward gets"):
        next(extractor.from_file(_file(tmp_path, text)).passes(IMAGES))


@pytest.mark.parametrize(
    ("net", "why"),
    [
        ("nn.Linear(784, 4, device='meta')", "NotImplementedError: Cannot copy out of meta"),
        ("nn.LazyLinear(4)", "ValueError: Attempted to use an uninitialized parameter"),
        ("nn.Conv3d(1, 4, 3)", "RuntimeError: required rank 4 tensor"),
    ],
)
def test_weights_that_cannot_be_used(net: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"own\.py cannot be used \({why}.*plain tensors"):
        extractor.from_file(_file(tmp_path, _NET + net))


def test_weights_of_half_the_size_work_in_a_network_that_casts(tmp_path: Path) -> None:
    text = (
        "from torch import nn\nclass Net(nn.Linear):\n"
        "    def forward(self, images):\n"
        "        return super().forward(images.flatten(1).bfloat16())\n"
        "def extractor(): return Net(784, 4).bfloat16()"
    )
    features, _ = next(extractor.from_file(_file(tmp_path, text)).passes(IMAGES))
    assert features.shape == (250, 4)


def test_the_name_of_a_users_extractor_stays(tmp_path: Path) -> None:
    text = "from torch import nn\ndef extractor(): return nn.BatchNorm1d(3)\n"
    own = extractor.from_file(_file(tmp_path, text))
    weights = nn.BatchNorm1d(3).state_dict()
    plain = hashlib.sha256(text.encode())
    for name in sorted(weights):
        plain.update(name.encode() + weights[name].numpy().tobytes())
    assert own.id == f"own-{plain.hexdigest()[:8]}"


def test_a_users_file_may_define_dataclasses(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from torch import nn\n@dataclass\nclass Size:\n    width: int = 4\n"
        "def extractor(): return nn.AvgPool2d(Size().width)"
    )
    assert extractor.from_file(_file(tmp_path, text)).id.startswith("own-")
