"""Our fast optimisers against torch's own."""

import copy

import pytest
import torch
from torch import nn

from bench.nn import rmsprop


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 30), nn.LeakyReLU(0.2), nn.Linear(30, 1))


def loss(net: nn.Sequential, index: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(index)
    found: torch.Tensor = net(torch.randn(16, 20, generator=generator)).square().mean()
    return found


def test_rmsprop_is_torchs() -> None:
    """In fp64, where a difference would be one of mathematics; from the first step on."""
    ours, theirs = network().double(), network().double()
    pairs = (ours, rmsprop(ours, 1e-3)), (theirs, torch.optim.RMSprop(theirs.parameters(), 1e-3))
    for index in range(30):
        for net, optimizer in pairs:
            optimizer.zero_grad()
            generator = torch.Generator().manual_seed(index)
            x = torch.randn(16, 20, generator=generator, dtype=torch.float64)
            net(x).square().mean().backward()
            optimizer.step()
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


def test_rmsprop_keeps_the_state_that_torchs_keeps() -> None:
    """So an old checkpoint loads, and a GPU, which has torch's own, goes on from it."""
    states = []
    for make in (rmsprop, lambda net, lr: torch.optim.RMSprop(net.parameters(), lr)):
        net = network()
        optimizer = make(net, 1e-3)
        loss(net, 0).backward()
        optimizer.step()
        states.append(optimizer.state_dict())
    ours, theirs = states
    assert ours["param_groups"] == theirs["param_groups"]
    for index, expected in theirs["state"].items():
        assert list(ours["state"][index]) == list(expected)
        torch.testing.assert_close(ours["state"][index]["square_avg"], expected["square_avg"])
        assert ours["state"][index]["step"].dtype == expected["step"].dtype


def test_rmsprop_leaves_gradients_and_what_has_none_alone() -> None:
    net = network()
    optimizer = rmsprop(net, 1e-3)
    net[0].requires_grad_(False)
    loss(net, 0).backward()
    before = copy.deepcopy(net.state_dict())
    gradient = net[2].weight.grad.clone()
    optimizer.step()
    assert torch.equal(net[0].weight, before["0.weight"])
    assert not torch.equal(net[2].weight, before["2.weight"])
    assert torch.equal(net[2].weight.grad, gradient)


def test_rmsprop_without_any_gradient_moves_nothing() -> None:
    net = network()
    before = copy.deepcopy(net.state_dict())
    rmsprop(net, 1e-3).step()
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())


@pytest.mark.parametrize("closure", [True, False])
def test_rmsprop_goes_on_from_its_state(closure: bool) -> None:
    one, other = network(), network()
    first, second = rmsprop(one, 1e-3), rmsprop(other, 1e-3)

    def step(net: nn.Sequential, optimizer: torch.optim.Optimizer, index: int) -> None:
        def once() -> torch.Tensor:
            optimizer.zero_grad()
            found = loss(net, index)
            found.backward()
            return found

        optimizer.step(once) if closure else (once(), optimizer.step())

    for index in range(3):
        step(one, first, index)
    other.load_state_dict(one.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for index in range(3, 6):
        step(one, first, index)
        step(other, second, index)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
