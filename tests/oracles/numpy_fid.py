"""The Fréchet distance once more, in plain NumPy and by another route than the product's.

d² = |m₁−m₂|² + tr(S₁ + S₂ − 2 (S₁^½ S₂ S₁^½)^½), Heusel et al. 2017.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _root(symmetric: Array) -> Array:
    values, vectors = np.linalg.eigh(symmetric)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def frechet(mean_1: Array, cov_1: Array, mean_2: Array, cov_2: Array) -> float:
    root = _root(cov_1)
    middle = _root(root @ cov_2 @ root)
    shift = mean_1 - mean_2
    return float(shift @ shift + np.trace(cov_1 + cov_2 - 2 * middle))


def fid(rows_1: Array, rows_2: Array) -> float:
    return frechet(
        rows_1.mean(0), np.cov(rows_1, rowvar=False), rows_2.mean(0), np.cov(rows_2, rowvar=False)
    )
