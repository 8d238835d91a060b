"""What variants are built of: losses on logits, penalties, networks, constraints, optimisers."""

from bench.nn.constraints import BATCH_NORMS, clip_weights, frozen, spectral
from bench.nn.fast import Dropout, Linear
from bench.nn.layers import discriminator_mlp, generator_mlp
from bench.nn.losses import Hinge, LeastSquares, NonSaturating, RelativisticPairing, Wasserstein
from bench.nn.optimisers import adam, rmsprop, update_average
from bench.nn.pairs import MLP, Conditioned
from bench.nn.penalties import gradient_penalty, zero_centred_penalty

__all__ = [
    "BATCH_NORMS",
    "MLP",
    "Conditioned",
    "Dropout",
    "Hinge",
    "LeastSquares",
    "Linear",
    "NonSaturating",
    "RelativisticPairing",
    "Wasserstein",
    "adam",
    "clip_weights",
    "discriminator_mlp",
    "frozen",
    "generator_mlp",
    "gradient_penalty",
    "rmsprop",
    "spectral",
    "update_average",
    "zero_centred_penalty",
]
