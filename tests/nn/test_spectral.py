"""Our spectral normalisation against torch's own."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from bench.nn import Dropout, Linear, frozen, spectral
from bench.nn.constraints import Spectral, _Normalised
from bench.nn.fast import plain

DOUBLE = torch.float64


def pair(rows: int, columns: int) -> tuple[nn.Module, nn.Module]:
    """One layer normalised in both ways, from the same random vectors."""
    torch.manual_seed(0)
    ours = nn.Linear(columns, rows, dtype=DOUBLE)
    theirs = copy.deepcopy(ours)
    torch.manual_seed(1)
    spectral(ours)
    torch.manual_seed(1)
    parametrizations.spectral_norm(theirs)
    (estimate,) = ours.parametrizations.weight
    assert isinstance(estimate, Spectral)
    torch.testing.assert_close(dict(ours.state_dict()), dict(theirs.state_dict()))
    return ours, theirs


@pytest.mark.parametrize(("rows", "columns"), [(7, 30), (30, 7), (1, 5)])
def test_the_same_numbers_and_gradients_over_many_steps(rows: int, columns: int) -> None:
    ours, theirs = pair(rows, columns)
    optimizers = [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in (ours, theirs)]
    for index in range(10):
        x = torch.randn(4, columns, dtype=DOUBLE)
        weights = torch.randn(4, rows, dtype=DOUBLE)
        for layer, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (layer(x) * weights).sum().backward()
            optimizer.step()
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-9, atol=1e-12, msg=str(index))
    torch.testing.assert_close(dict(ours.state_dict()), dict(theirs.state_dict()))


def test_its_gradient_can_be_differentiated_too() -> None:
    """As a gradient penalty does; u and v are constants."""
    torch.manual_seed(0)
    weight = torch.randn(4, 6, dtype=DOUBLE, requires_grad=True)
    u, v = torch.randn(4, dtype=DOUBLE), torch.randn(6, dtype=DOUBLE)

    def both(weight: Tensor) -> tuple[Tensor, Tensor]:
        normalised, sigma = _Normalised.apply(weight, u, v)
        return normalised, sigma

    assert torch.autograd.gradcheck(both, (weight,))
    assert torch.autograd.gradgradcheck(both, (weight,))


def test_a_gradient_may_be_asked_for_after_the_next_iteration() -> None:
    ours, theirs = pair(5, 6)
    x = torch.randn(2, 3, 6, dtype=DOUBLE)
    for layer in (ours, theirs):
        (layer(x[0]).sum() - layer(x[1]).sum()).backward()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_what_is_no_matrix_is_torchs_own() -> None:
    layer = spectral(nn.Conv2d(1, 4, 3))
    (estimate,) = layer.parametrizations.weight
    assert not isinstance(estimate, Spectral)


@pytest.mark.parametrize("training", [True, False])
def test_a_plain_network_is_torchs_own_and_goes_on_alike(training: bool) -> None:
    ours = nn.Sequential(spectral(Linear(20, 7)), nn.ReLU(), spectral(Linear(7, 3)), Dropout(0.0))
    ours.train(training)
    theirs = plain(copy.deepcopy(ours))
    assert not [m for m in theirs.modules() if isinstance(m, Spectral | Linear | Dropout)]
    for _ in range(3):
        x = torch.randn(5, 20)
        torch.testing.assert_close(ours(x), theirs(x))
        with frozen(ours), frozen(theirs):
            torch.testing.assert_close(ours(x), theirs(x))
