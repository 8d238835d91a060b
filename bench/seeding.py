"""Randomness without state: each seed is derived from (purpose, seed, step) by a stable hash.

Nothing random is ever carried along, so resuming a trial needs its step number only, and two
variants at one seed see the same data order and the same evaluation noise.
"""

import hashlib
from typing import Literal

import torch

Purpose = Literal[
    "init", "data", "latent", "layers", "evaluation", "classifier", "calibration", "dataset"
]


def derive(purpose: Purpose, seed: int, step: int = 0) -> int:
    """A 63-bit seed that is the same on every machine and Python version.

    ``layers`` is for what a network draws itself: dropout masks, points of the penalty.
    """
    digest = hashlib.sha256(f"{purpose}/{seed}/{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(purpose: Purpose, seed: int, step: int = 0) -> torch.Generator:
    """A CPU generator at the start of the stream of (purpose, seed, step)."""
    return torch.Generator().manual_seed(derive(purpose, seed, step))
