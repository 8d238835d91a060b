"""How a trial ends that cannot continue: divergence is a result, a crash is an error."""

from pathlib import Path

import pytest

from bench.training import trial
from bench.trials import event_log
from bench.variants import registry

from .conftest import MakeTrial

PLUGIN = '''
"""Goes wrong on purpose (2026)."""
import torch
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("{name}")
class Wrong(MLPBCE):
    """Goes wrong."""
    def step(self, batch):
        measured = super().step(batch)
        if batch.index == 9:
            {action}
        return measured
'''
BURST = '''
"""One pixel of one image is not finite (2026)."""
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("{name}")
class Burst(MLPBCE):
    """Bursts."""
    def sample(self, n, generator):
        images = super().sample(n, generator)
        images[3, 0, 5, 7] = {pixel}
        return images
'''
NAN, INFINITY = "float('nan')", "float('inf')"


def _wrong(folder: Path, name: str, action: str) -> Path:
    plugin = folder / f"{name}.py"
    plugin.write_text(PLUGIN.format(name=name, action=action))
    return plugin


def _end(make_trial: MakeTrial, plugin: Path) -> tuple[str, str]:
    """The state and the reason that a trial of the plug-in ends with, the same in its event log."""
    registry.load_plugin(plugin)
    item = make_trial(plugin.stem, plugins=(plugin,))
    state = trial.run(item.folder)
    *_, (end, _) = event_log.read(item.folder / "journal.jsonl")
    assert (end["event"], end["status"]) == ("end", state)
    assert end["reason"] == item.status.reason
    return state, str(item.status.reason)


@pytest.mark.parametrize(
    ("name", "action", "reason"),
    [
        ("nan_loss", f"measured['loss_g'] *= {NAN}", "loss_g is not finite"),
        ("inf_loss", f"measured['loss_d'] += {INFINITY}", "loss_d is not finite"),
        (
            "nan_gradient",
            f"self.D[1].weight.grad[0, 0] = {NAN}",
            "gradient of discriminator 1.weight is not finite",
        ),
        (
            "inf_gradient",
            f"self.G[2].bias.grad[0] = -{INFINITY}",
            "gradient of generator 2.bias is not finite",
        ),
        (
            "nan_weight",
            f"self.D[3].bias.data[0] = {NAN}",
            "weight of discriminator 3.bias is not finite",
        ),
        (
            "inf_weight",
            f"self.G[0].weight.data[0, 0] = {INFINITY}",
            "weight of generator 0.weight is not finite",
        ),
    ],
)
def test_divergence_is_a_result_with_its_step_and_tensor(
    name: str, action: str, reason: str, make_trial: MakeTrial, tmp_path: Path
) -> None:
    """All at step 10, after which the trial is measured, so that weights are looked at too."""
    ended = _end(make_trial, _wrong(tmp_path, name, action))
    assert ended == ("diverged", f"{reason} at step 10.")


@pytest.mark.parametrize(("name", "pixel"), [("nan_pixel", NAN), ("inf_pixel", INFINITY)])
def test_an_image_that_is_not_finite_is_divergence(
    name: str, pixel: str, make_trial: MakeTrial, tmp_path: Path
) -> None:
    """Though losses, gradients and weights are."""
    plugin = tmp_path / f"{name}.py"
    plugin.write_text(BURST.format(name=name, pixel=pixel))
    assert _end(make_trial, plugin) == ("diverged", "a generated image is not finite at step 10.")


@pytest.mark.parametrize(
    ("name", "action", "reason"),
    [
        ("crash", "{}['no such key']", "KeyError"),
        ("no_memory", "torch.empty(10**15)", "Out of memory: use fewer --workers"),
        ("no_python_memory", "raise MemoryError", "Out of memory: use fewer --workers"),
        ("no_gpu_memory", "raise torch.OutOfMemoryError", "Out of memory: use fewer --workers"),
    ],
)
def test_a_crash_is_an_error(
    name: str, action: str, reason: str, make_trial: MakeTrial, tmp_path: Path
) -> None:
    state, said = _end(make_trial, _wrong(tmp_path, name, action))
    assert state == "failed"
    assert reason in said
