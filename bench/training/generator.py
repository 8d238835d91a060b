"""The generator that a trial leaves behind, and the variant that it is built from."""

import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from bench import datasets, paths, seeding
from bench.nn.fast import plain
from bench.trials import Trial
from bench.variants import Algorithm, registry

FILES = ("generator.safetensors", "generator.json")


def build(trial: Trial) -> Algorithm:
    """The variant of a trial, initialised by the seed's own stream."""
    torch.default_generator.manual_seed(seeding.derive("init", trial.seed))
    dataset = datasets.get(trial.dataset)
    return registry.create(trial.algorithm, trial.configuration, dataset.shape, dataset.classes)


def save(folder: Path, algorithm: Algorithm, trial: Trial, images_shown: int) -> None:
    """Write the weights, and next to them what it takes to build the network again."""
    # Copies, because two names may share one weight, which safetensors refuses.
    state = algorithm.sampler.state_dict()
    weights = {k: v.clone(memory_format=torch.contiguous_format) for k, v in state.items()}
    with paths.replacing(folder / FILES[0]) as file:
        file.write(safetensors.torch.save(weights))
    with paths.replacing(folder / FILES[1], "w") as file:
        json.dump(
            {**trial.identity, "images_shown": images_shown, "range": [-1, 1]}, file, indent=1
        )


def load(folder: Path) -> tuple[nn.Module, Tensor]:
    """A saved generator in eval mode and fit for export, and an example of its input.

    The example is (2, latent) float32 from N(0, 1), whatever the variant's prior. That of a
    conditional variant is (2, latent + classes): the class of each sample follows, as one-hot.
    """
    trial = Trial.from_identity(json.loads((folder / FILES[1]).read_text()))
    algorithm = build(trial)
    algorithm.sampler.load_state_dict(safetensors.torch.load_file(folder / FILES[0]))
    latents = torch.randn(
        2, algorithm.latent, generator=seeding.generator("evaluation", trial.seed)
    )
    if algorithm.conditional:
        latents = torch.cat([latents, torch.eye(2, algorithm.classes)], 1)
    if algorithm.conditional or algorithm.prior != "normal":
        return plain(_OneInput(algorithm)).eval(), latents
    return plain(algorithm.sampler).eval(), latents


class _OneInput(nn.Module):
    """A generator of one tensor, since that is what a registered model takes."""

    def __init__(self, algorithm: Algorithm) -> None:
        super().__init__()
        self.network, self._inputs = algorithm.sampler, algorithm.inputs
        self._latent, self._conditional = algorithm.latent, algorithm.conditional

    def forward(self, values: Tensor) -> Tensor:
        labels = values[:, self._latent :].argmax(1) if self._conditional else None
        samples: Tensor = self.network(*self._inputs(values[:, : self._latent], labels))
        return samples
