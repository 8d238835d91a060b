"""The generator that a trial leaves behind, and the variant that it is built from."""

import json
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from bench import datasets, paths, seeding
from bench.errors import UserError
from bench.nn.fast import plain
from bench.trials import Trial
from bench.variants import GAN, Algorithm, registry

FILES = ("generator.safetensors", "generator.json")


def build(trial: Trial) -> Algorithm:
    """The variant of a trial, initialised by the seed's own stream."""
    torch.default_generator.manual_seed(seeding.derive("init", trial.seed))
    dataset = datasets.get(trial.dataset)
    return registry.create(trial.variant, trial.configuration, dataset.shape, dataset.classes)


def save(folder: Path, algorithm: Algorithm, trial: Trial, images_shown: int) -> None:
    """Write the weights, and next to them what it takes to build the network again."""
    networks = algorithm.networks()
    # Copies, because two names may share one weight, which safetensors refuses.
    state = networks["generator"].state_dict()
    weights = {k: v.clone(memory_format=torch.contiguous_format) for k, v in state.items()}
    with paths.replacing(folder / FILES[0]) as file:
        file.write(safetensors.torch.save(weights))
    with paths.replacing(folder / FILES[1], "w") as file:
        json.dump(
            {**trial.identity, "images_shown": images_shown, "range": [-1, 1]}, file, indent=1
        )


def load(folder: Path) -> tuple[nn.Module, Tensor]:
    """A saved generator in eval mode and fit for export, and an example of its input.

    The example is (2, latent) float32.

    Raises:
        UserError: the variant is no GAN, so that nothing is known of its generator's input.
    """
    trial = Trial.from_identity(json.loads((folder / FILES[1]).read_text()))
    algorithm = build(trial)
    if not isinstance(algorithm, GAN):
        raise UserError(
            f"'{trial.variant}' is no GAN of the contract, so nothing is known of its "
            "generator's input: load its weights from the run's generator.safetensors instead."
        )
    algorithm.G.load_state_dict(safetensors.torch.load_file(folder / FILES[0]))
    latents = seeding.generator("evaluation", trial.seed)
    return plain(algorithm.G).eval(), torch.randn(2, algorithm.latent, generator=latents)
