"""Our fast layers against torch's own, with oneDNN's operator and where torch lacks it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.nn import Dropout, Linear, fast, gradient_penalty, spectral
from bench.nn.fast import plain

SHAPES = [(128, 784, 1024), (64, 100, 256), (3, 7, 5), (1, 4, 1)]


def pair(inputs: int, outputs: int) -> tuple[Linear, nn.Linear]:
    torch.manual_seed(0)
    ours, theirs = Linear(inputs, outputs), nn.Linear(inputs, outputs)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def close(one: Tensor | None, other: Tensor | None) -> None:
    assert one is not None
    assert other is not None
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * float(other.detach().abs().max()))


@pytest.fixture(params=["oneDNN", "without"])
def operator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways through `Linear`."""
    if request.param == "without":
        monkeypatch.setattr(fast, "ONEDNN", None)
    elif fast.ONEDNN is None:
        pytest.skip("this torch lacks the operator")


def absent(*_: Any) -> Tensor:
    raise AttributeError("no such operator")


def refusing(*_: Any) -> Tensor:
    raise RuntimeError("built without oneDNN")


def with_other_arguments(x: Tensor) -> Tensor:
    return x


def without_bias(x: Tensor, weight: Tensor, bias: Tensor | None, *_: Any) -> Tensor:
    return F.linear(x, weight)


@pytest.mark.parametrize("broken", [absent, refusing, with_other_arguments, without_bias])
def test_a_torch_without_the_operator_is_noticed(
    broken: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(_linear_pointwise=broken))
    assert fast._onednn() is None
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    assert fast._onednn() is None


def test_an_operator_that_computes_the_product_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def right(x: Tensor, weight: Tensor, bias: Tensor | None, *_: Any) -> Tensor:
        return F.linear(x, weight, bias)

    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(_linear_pointwise=right))
    assert fast._onednn() is right


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(("rows", "inputs", "outputs"), SHAPES)
def test_linear_and_its_gradients(rows: int, inputs: int, outputs: int) -> None:
    ours, theirs = pair(inputs, outputs)
    x = torch.randn(rows, inputs, requires_grad=True)
    y = x.detach().clone().requires_grad_(True)
    weights = torch.randn(rows, outputs)
    close(ours(x), theirs(y))
    (ours(x) * weights).sum().backward()
    (theirs(y) * weights).sum().backward()
    close(x.grad, y.grad)
    close(ours.weight.grad, theirs.weight.grad)
    close(ours.bias.grad, theirs.bias.grad)


@pytest.mark.usefixtures("operator")
def test_linear_spares_what_is_frozen() -> None:
    ours, _ = pair(6, 4)
    ours.weight.requires_grad_(False)
    x = torch.randn(2, 6, requires_grad=True)
    ours(x).sum().backward()
    assert ours.weight.grad is None
    assert x.grad is not None


def critics() -> tuple[nn.Module, nn.Module]:
    """One network of our layers, and the same of torch's."""
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Flatten(), Linear(784, 16), nn.Tanh(), Linear(16, 1))
    theirs = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.Tanh(), nn.Linear(16, 1))
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.usefixtures("operator")
def test_linear_can_be_differentiated_twice() -> None:
    ours, theirs = critics()
    real, fake = torch.rand(2, 5, 1, 28, 28)
    for critic in (ours, theirs):
        torch.manual_seed(1)  # the points between real and fake
        gradient_penalty(critic, real, fake).backward()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        if other.grad is not None:  # the last bias has none
            close(one.grad, other.grad)


@pytest.mark.usefixtures("operator")
def test_linear_learns_as_torchs_own() -> None:
    ours, theirs = critics()
    images = torch.rand(5, 1, 28, 28)
    for critic in (ours, theirs):
        optimizer = torch.optim.SGD(critic.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            (critic(images) - 1).square().mean().backward()
            optimizer.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_linear_in_double_precision_and_more_dimensions_is_torchs_own() -> None:
    ours, theirs = pair(6, 4)
    x = torch.randn(2, 3, 6)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.double()(x.double()), theirs.double()(x.double()))


@pytest.mark.usefixtures("operator")
def test_linear_works_out_a_parametrised_weight_once() -> None:
    """Spectral normalisation advances its estimate whenever the weight is read."""
    ours, read = spectral(Linear(6, 4)), []
    ours.parametrizations.weight.register_forward_hook(lambda *given: read.append(given))
    for rows in (torch.ones(2, 6), torch.ones(2, 3, 6)):
        ours(rows)
    assert len(read) == 2


def test_linear_under_autocast_is_torchs_own() -> None:
    ours, theirs = pair(6, 4)
    x = torch.randn(2, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert ours(x).dtype == torch.bfloat16
        assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_dropout_drops_its_rate_and_keeps_the_mean(rate: float) -> None:
    torch.manual_seed(0)
    dropped = Dropout(rate)(torch.ones(1000, 1001))
    kept = dropped != 0
    assert (~kept).double().mean().item() == pytest.approx(rate, abs=0.002)
    assert dropped.double().mean().item() == pytest.approx(1, abs=0.01)
    assert dropped[kept].unique().numel() == 1
    by_place = kept.view(-1)[: 4 * 250_000].view(-1, 4).double()
    assert by_place.mean(0).sub(1 - rate).abs().max() < 0.005  # the four of one draw alike
    assert by_place.T.corrcoef().fill_diagonal_(0).abs().max() < 0.01  # and independent


def test_dropout_in_bf16_drops_the_same() -> None:
    x = torch.ones(64, 31)
    torch.manual_seed(3)
    once = Dropout(0.3)(x)
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.3)(x.bfloat16()), once.bfloat16())


def test_dropout_follows_the_stream_and_passes_gradients() -> None:
    x = torch.randn(64, 31, requires_grad=True)
    torch.manual_seed(3)
    once = Dropout(0.3)(x)
    torch.manual_seed(3)
    again = Dropout(0.3)(x)
    other = Dropout(0.3)(x)
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    once.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad * x, once)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_dropout_of_nothing_and_of_everything(rate: float) -> None:
    x = torch.ones(5, 5)
    assert torch.equal(Dropout(rate)(x), x * (rate < 0.5))
    assert torch.equal(Dropout(0.5).eval()(x), x)


def test_a_plain_network_is_torchs_own_and_computes_the_same() -> None:
    network = nn.Sequential(Linear(20, 7), nn.Sequential(nn.ReLU(), Linear(7, 3)), Dropout(0.4))
    x = torch.randn(5, 20)
    expected = network.eval()(x)
    kinds = [type(layer) for layer in plain(network).modules()]
    assert kinds == [nn.Sequential, nn.Linear, nn.Sequential, nn.ReLU, nn.Linear, nn.Dropout]
    torch.testing.assert_close(network(x), expected)
