"""The bf16 stream: products in bf16, everything that lasts in fp32, and never by mistake."""

import pytest
import torch
from torch import Tensor

from bench import datasets
from bench.errors import UserError
from bench.training import checkpoint, runtime, trial
from bench.training.step import EagerStep
from bench.trials import experiment as experiments

from .conftest import After, MakeTrial
from .test_trial import VARIANTS, metrics

needs_bf16 = pytest.mark.skipif(
    not runtime.available("bf16"), reason="this processor does not compute in bf16"
)
BF16 = "precision=bf16"


def test_the_precision_is_in_the_key_and_fp32_keeps_its_own() -> None:
    fp32, bf16, said = (
        experiments.load("quick", overrides).trials()[0]
        for overrides in ([], [BF16], ["precision=fp32"])
    )
    assert "precision" not in fp32.protocol
    assert bf16.protocol["precision"] == "bf16"
    assert said.key == fp32.key != bf16.key


def test_what_is_no_precision() -> None:
    with pytest.raises(UserError, match="the key 'precision' does not fit: .*'fp32' or 'bf16'"):
        experiments.load("quick", ["precision=fp16"])


def test_a_processor_without_it_is_refused(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_trial("mlp_bce", BF16)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    runtime.require("fp32")
    with pytest.raises(UserError, match="does not compute in bf16: leave precision at fp32"):
        runtime.require("bf16")
    assert trial.run(item.folder) == "failed"
    assert "does not compute in bf16" in str(item.status.reason)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (("avx2", "fma3"), False),
        (("avx2", "avx512_f"), False),
        (("avx512_f", "avx512_bw", "avx512_dq", "avx512_vl"), True),
        (("avx2", "avx_ne_convert"), True),
        (("neon",), False),
        (("neon", "bf16"), True),
    ],
)
def test_which_processors_have_it(
    capabilities: tuple[str, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(capabilities, True))
    assert runtime.available("bf16") is expected


def moved(variant: str, *overrides: str) -> dict[str, Tensor]:
    """How far 20 steps move each weight."""
    (planned,) = experiments.select(experiments.load("quick", overrides), [variant], "1").trials()
    train_step = EagerStep(planned, datasets.get("mnist").split("train"))
    networks = torch.nn.ModuleDict(train_step.algorithm.networks())
    start = {name: value.detach().clone() for name, value in networks.named_parameters()}
    for index in range(20):
        measured = train_step(index)
        assert all(value.dtype == torch.float32 for value in measured.values())
    assert {value.dtype for value in networks.parameters()} == {torch.float32}
    return {name: value.detach() - start[name] for name, value in networks.named_parameters()}


@needs_bf16
@pytest.mark.parametrize("variant", VARIANTS)
def test_products_are_in_bf16_and_the_way_is_nearly_the_same(
    variant: str, mnist_folder: object
) -> None:
    """Nearly: in the direction; bf16 keeps eight bits of each factor."""
    fp32, bf16 = moved(variant), moved(variant, BF16)
    first, second = (torch.cat([v.flatten() for v in way.values()]) for way in (fp32, bf16))
    assert not torch.equal(first, second)
    assert torch.cosine_similarity(first, second, dim=0) > 0.9


@needs_bf16
def test_an_interrupted_trial_resumes_bit_for_bit(make_trial: MakeTrial, after: After) -> None:
    whole = make_trial("batchnorm_dropout", BF16)
    assert trial.run(whole.folder) == "done"
    expected = metrics(whole.folder)
    weights = (whole.folder / "generator.safetensors").read_bytes()
    for path in whole.folder.iterdir():
        if path.name not in ("trial.json", "lock") and path.is_file():
            path.unlink()
    assert trial.run(whole.folder, after(13)) == "interrupted"
    saved = checkpoint.load(whole.folder, print)
    assert saved is not None
    assert saved[0] == 13
    assert trial.run(whole.folder) == "done"
    assert metrics(whole.folder) == expected
    assert (whole.folder / "generator.safetensors").read_bytes() == weights
