"""What variants are built of: losses on logits, penalties, networks, constraints, optimisers."""

from bench.nn.constraints import BATCH_NORMS, clip_weights, frozen, spectral
from bench.nn.fast import Dropout, Linear
from bench.nn.flow import Flow
from bench.nn.heads import Autoencoder, Classified, Conditioned, Projection
from bench.nn.layers import MinibatchStddev, discriminator_mlp, generator_mlp
from bench.nn.losses import (
    Equilibrium,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticPairing,
    Wasserstein,
    variational_loss,
)
from bench.nn.optimisers import adam, rmsprop, update_average
from bench.nn.pairs import MLP, Conv
from bench.nn.penalties import (
    gradient_penalty,
    one_centred_penalty,
    share_per_sample,
    zero_centred_penalty,
)

__all__ = [
    "BATCH_NORMS",
    "MLP",
    "Autoencoder",
    "Classified",
    "Conditioned",
    "Conv",
    "Dropout",
    "Equilibrium",
    "Flow",
    "Hinge",
    "LeastSquares",
    "Linear",
    "MinibatchStddev",
    "Minimax",
    "NonSaturating",
    "Projection",
    "RelativisticPairing",
    "Wasserstein",
    "adam",
    "clip_weights",
    "discriminator_mlp",
    "frozen",
    "generator_mlp",
    "gradient_penalty",
    "one_centred_penalty",
    "rmsprop",
    "share_per_sample",
    "spectral",
    "update_average",
    "variational_loss",
    "zero_centred_penalty",
]
