"""Losses, penalties, averages and packs against their equations, written out sample by sample."""

import pytest
import torch
from torch import Tensor, nn

from bench import nn as parts
from bench.errors import UserError
from bench.variants import Batch, registry
from bench.variants.mlp_bce import MLPBCE

REAL = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)
FAKE = torch.tensor([-0.3, 0.8, 1.7], dtype=torch.float64)


def log_sigmoid(x: float) -> float:
    return torch.tensor(x, dtype=torch.float64).sigmoid().log().item()


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_the_relativistic_loss_pairs_and_does_not_average() -> None:
    pairs = list(zip(REAL.tolist(), FAKE.tolist(), strict=True))
    d_loss = mean([-log_sigmoid(r - f) for r, f in pairs])
    g_loss = mean([-log_sigmoid(f - r) for r, f in pairs])
    assert parts.RelativisticPairing.d_loss(REAL, FAKE).item() == pytest.approx(d_loss)
    assert parts.RelativisticPairing.g_loss(REAL, FAKE).item() == pytest.approx(g_loss)


def test_hinge_and_least_squares() -> None:
    real, fake = REAL.tolist(), FAKE.tolist()
    hinge = mean([max(0, 1 - r) for r in real]) + mean([max(0, 1 + f) for f in fake])
    assert parts.Hinge.d_loss(REAL, FAKE).item() == pytest.approx(hinge)
    assert parts.Hinge.g_loss(None, FAKE).item() == pytest.approx(-mean(fake))
    squares = mean([(r - 1) ** 2 for r in real]) / 2 + mean([f**2 for f in fake]) / 2
    assert parts.LeastSquares.d_loss(REAL, FAKE).item() == pytest.approx(squares)
    assert parts.LeastSquares.g_loss(None, FAKE).item() == pytest.approx(
        mean([(f - 1) ** 2 for f in fake]) / 2
    )


LOSSES = [
    *(parts.Hinge, parts.LeastSquares, parts.NonSaturating),
    *(parts.RelativisticPairing, parts.Wasserstein),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(loss: type) -> None:
    logits = REAL.clone().requires_grad_(True), FAKE.clone().requires_grad_(True)
    assert torch.autograd.gradcheck(loss.d_loss, logits)
    assert torch.autograd.gradcheck(loss.g_loss, logits)


class Cubic(nn.Module):
    """f(x) = Σ x³, whose gradient is 3x²."""

    def forward(self, x: Tensor) -> Tensor:
        return x.pow(3).flatten(1).sum(1)


def test_the_zero_centred_penalty_is_a_sum_in_a_sample_and_a_mean_over_samples() -> None:
    x = torch.randn(3, 2, 4, 4, dtype=torch.float64)
    expected = mean([sum((3 * v * v) ** 2 for v in row) / 2 for row in x.flatten(1).tolist()])
    assert parts.zero_centred_penalty(Cubic(), x).item() == pytest.approx(expected)


def test_the_zero_centred_penalty_reaches_the_weights_and_not_the_samples() -> None:
    layer = nn.Linear(4, 1, dtype=torch.float64)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    parts.zero_centred_penalty(layer, x).backward()
    torch.testing.assert_close(layer.weight.grad, layer.weight.detach())  # of ½‖w‖²
    assert x.grad is None


def test_an_average_moves_by_its_decay_and_copies_the_buffers() -> None:
    average, network = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        network.weight.fill_(3.0)
    network.running_mean.fill_(5.0)
    parts.update_average(average, network, 0.9)
    torch.testing.assert_close(average.weight, torch.full((2,), 0.9 * 1 + 0.1 * 3))
    assert torch.equal(average.running_mean, network.running_mean)


def game(**switches: object) -> MLPBCE:
    kind = type("Game", (MLPBCE,), switches)
    made: MLPBCE = kind({**registry.configure("mlp_bce", {}), "shape": (1, 4, 4), "classes": 3})
    return made


def test_a_pack_holds_samples_of_one_kind() -> None:
    pair = nn.Sequential(nn.Flatten(), nn.Linear(32, 1))
    gan, seen = game(pack=2, discriminator=lambda self: pair), list[Tensor]()
    gan.D.register_forward_pre_hook(lambda net, given: seen.append(given[0]))
    on_real, on_fake = gan._logits(
        gan._packed(torch.ones(4, 1, 4, 4)), gan._packed(-torch.ones(4, 1, 4, 4)), None
    )
    assert len(on_real) == len(on_fake) == 2
    assert {tuple(pack.unique().tolist()) for pack in seen[0]} == {(1.0,), (-1.0,)}


def test_a_batch_that_cannot_be_packed() -> None:
    pair = nn.Sequential(nn.Flatten(), nn.Linear(32, 1))
    with pytest.raises(UserError, match="batch of 3 cannot be cut into packs of 2: choose"):
        game(pack=2, discriminator=lambda self: pair)._packed(torch.ones(3, 1, 4, 4))


def test_a_joint_pass_through_batch_norm_is_refused() -> None:
    normed = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Linear(16, 1))
    with pytest.raises(UserError, match="so set joint_pass = False"):
        game(discriminator=lambda self: normed)
    assert game(discriminator=lambda self: normed, joint_pass=False)


def test_latents_of_a_uniform_prior() -> None:
    (latents,) = game(prior="uniform").inputs(torch.randn(1000, 100))
    assert latents.abs().max() <= 1
    assert latents.mean().abs() < 0.01
    assert latents.square().mean().item() == pytest.approx(1 / 3, abs=0.01)


def test_each_step_draws_its_own_latents_unless_fakes_are_reused() -> None:
    for reuse in (True, False):
        gan, seen = game(reuse_fakes=reuse), list[Tensor]()
        gan.G.register_forward_pre_hook(lambda net, given, seen=seen: seen.append(given[0]))
        gan.step(Batch(0, torch.rand(4, 1, 4, 4), torch.randn(2, 4, 100)))
        assert len(seen) == (1 if reuse else 2)
        assert reuse or not torch.equal(*seen)
