"""What variants are built of: losses on logits, penalties, layers, constraints, optimisers."""

from bench.nn.constraints import BATCH_NORMS, clip_weights, frozen, spectral
from bench.nn.fast import Dropout, Linear
from bench.nn.layers import discriminator_mlp, generator_mlp
from bench.nn.losses import (
    bce_discriminator,
    bce_generator,
    wasserstein_critic,
    wasserstein_generator,
)
from bench.nn.optimisers import adam, rmsprop
from bench.nn.penalties import gradient_penalty

__all__ = [
    "BATCH_NORMS",
    "Dropout",
    "Linear",
    "adam",
    "bce_discriminator",
    "bce_generator",
    "clip_weights",
    "discriminator_mlp",
    "frozen",
    "generator_mlp",
    "gradient_penalty",
    "rmsprop",
    "spectral",
    "wasserstein_critic",
    "wasserstein_generator",
]
