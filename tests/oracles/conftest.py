"""Rows of features that look like a classifier's: correlated, of very different scales."""

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session")
def real() -> Tensor:
    return _rows(0, 500, 8)


@pytest.fixture(scope="session")
def fake() -> Tensor:
    return 1.1 * _rows(1, 500, 8) + 0.2


def _rows(seed: int, n: int, d: int) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    scales = torch.logspace(-2, 0.5, d, dtype=torch.float64)
    return torch.randn(n, d, generator=stream, dtype=torch.float64) @ mix * scales
