"""Randomness without state: every stream is derived from (axis, seed, step) by a stable hash.

Nothing random is ever carried along, so resuming a trial needs its step number only, and two
variants at one seed see the same data order and the same evaluation noise.
"""

import hashlib
from typing import Literal

import torch

Purpose = Literal["init", "data", "latent", "layers", "evaluation", "classifier", "calibration"]


def derive(axis: Purpose, seed: int, step: int = 0) -> int:
    """A 63-bit seed that is the same on every machine and Python version.

    ``layers`` feeds whatever a network draws for itself (dropout masks, penalty points).
    """
    digest = hashlib.sha256(f"{axis}/{seed}/{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(axis: Purpose, seed: int, step: int = 0) -> torch.Generator:
    """A CPU generator at the start of the stream (axis, seed, step)."""
    return torch.Generator().manual_seed(derive(axis, seed, step))
