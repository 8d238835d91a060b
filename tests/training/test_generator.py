"""What a trial leaves can be built again, and registered."""

import json
from pathlib import Path

import pytest
import torch

from bench import seeding
from bench.nn import Dropout, Linear
from bench.training import generator
from bench.trials import Trial
from bench.variants import registry


def trial(variant: str) -> Trial:
    return Trial(variant, registry.configure(variant, {}), 3, 640, {"batch": 64})


@pytest.mark.parametrize("variant", registry.names())
def test_what_was_saved_draws_the_same_images(variant: str, tmp_path: Path) -> None:
    trained = generator.build(trial(variant))
    weights = trained.networks()["generator"].parameters()
    with torch.no_grad():
        for weight in weights:
            weight.mul_(1.5)
    generator.save(tmp_path, trained, trial(variant), images_shown=640)
    assert {path.name for path in tmp_path.iterdir()} == set(generator.FILES)
    assert json.loads((tmp_path / "generator.json").read_text())["images_shown"] == 640
    network, latents = generator.load(tmp_path)
    assert not network.training
    assert {type(layer) for layer in network.modules()}.isdisjoint({Linear, Dropout})
    labels = trained.classes if trained.conditional else 0
    assert latents.shape == (2, trained.latent + labels)
    expected = trained.sample(2, seeding.generator("evaluation", 3))
    torch.testing.assert_close(network(latents), expected, rtol=1e-4, atol=1e-5)
