"""What a trial leaves can be built again, and registered."""

import json
from pathlib import Path

import pytest
import torch

from bench import seeding
from bench.errors import UserError
from bench.training import generator
from bench.trials import Trial
from bench.variants import Algorithm, registry


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
    assert {type(layer).__module__.partition(".")[0] for layer in network.modules()} == {"torch"}
    assert latents.shape == (2, 100)
    expected = trained.sample(100, seeding.generator("evaluation", 3))
    again = torch.randn(100, 100, generator=seeding.generator("evaluation", 3))
    torch.testing.assert_close(network(again), expected)


def test_what_is_no_gan_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator.save(tmp_path, generator.build(trial("wgan")), trial("wgan"), images_shown=640)
    other = type("Other", (Algorithm,), dict.fromkeys(Algorithm.__abstractmethods__))
    monkeypatch.setattr(generator, "build", lambda given: object.__new__(other))
    with pytest.raises(UserError, match=r"'wgan' is no GAN of the contract.*safetensors instead\."):
        generator.load(tmp_path)
