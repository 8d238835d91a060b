"""Losses, penalties, averages and packs against their equations, written out sample by sample."""

import math

import pytest
import torch
from torch import Tensor, nn

from bench import nn as parts
from bench.errors import UserError
from bench.variants import GAN, Batch, registry
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


def test_minimax_is_the_same_game_for_both() -> None:
    """The generator ascends what the discriminator descends, as far as it depends on the fakes."""
    d_loss = mean([-log_sigmoid(r) for r in REAL.tolist()])
    d_loss += mean([-log_sigmoid(-f) for f in FAKE.tolist()])
    assert parts.Minimax.d_loss(REAL, FAKE).item() == pytest.approx(d_loss)
    g_loss = mean([log_sigmoid(-f) for f in FAKE.tolist()])
    assert parts.Minimax.g_loss(None, FAKE).item() == pytest.approx(g_loss)


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
    *(parts.Hinge, parts.LeastSquares, parts.Minimax, parts.NonSaturating),
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


def create(name: str, shape: tuple[int, ...] = (1, 4, 4), **settings: object) -> GAN:
    made = registry.create(name, registry.configure(name, settings), shape, 3)
    assert isinstance(made, GAN)
    return made


def test_dragan_penalises_next_to_real_samples_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise of one sign up to half the batch's standard deviation, scaled once a sample."""
    seen = list[Tensor]()
    monkeypatch.setattr(
        "bench.variants.dragan.one_centred_penalty", lambda D, at: seen.append(at) or at.mean()
    )
    real = torch.randn(64, 1, 4, 4)
    create("dragan").penalty(real, torch.full_like(real, 100.0), 0)
    noise = (seen[0] - real).flatten(1)
    assert noise.min() >= 0
    assert noise.max() <= real.std() / 2 + 1e-6
    highest = noise.max(1).values
    assert highest.min() < highest.max() / 4, "each sample has its own factor"


def test_a_critic_of_slope_one_has_no_penalty() -> None:
    layer = nn.Linear(16, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.div_(layer.weight.norm())
    x = torch.randn(5, 16, dtype=torch.float64)
    assert parts.one_centred_penalty(layer, x).item() == pytest.approx(0)
    with torch.no_grad():
        layer.weight.mul_(3)
    assert parts.one_centred_penalty(layer, x).item() == pytest.approx(4)


def test_began_moves_its_balance_and_clips_it() -> None:
    gan = create("began", gain=0.5)
    batch = Batch(0, torch.rand(4, 1, 4, 4) * 2 - 1, torch.randn(2, 4, 100))
    measured = gan.step(batch)
    drift = 0.75 * measured["logit_real"].item() - measured["logit_fake"].item()
    assert gan.k == pytest.approx(min(max(0.5 * drift, 0), 1))
    assert measured["convergence"].item() == pytest.approx(
        measured["logit_real"].item() + abs(drift)
    )
    for height, k in ((1e3, 1.0), (-1e3, 0.0)):
        gan.gamma = height  # the balance would leave [0, 1]
        gan.step(batch)
        assert gan.k == k


def test_an_autoencoders_logit_is_its_mean_absolute_error() -> None:
    head = parts.Autoencoder(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), nn.Identity(), 16)
    head.rebuild = nn.Identity()
    head.rebuild.forward = lambda x: x + 0.25
    assert head(torch.zeros(3, 1, 4, 4)).tolist() == [[0.25]] * 3


def test_the_standard_deviation_of_a_group_is_one_more_feature() -> None:
    features = torch.randn(8, 5, dtype=torch.float64)
    out = parts.MinibatchStddev(4)(features)
    assert torch.equal(out[:, :5], features)
    for first in (0, 4):
        group = features[first : first + 4].numpy()
        assert out[first : first + 4, 5].tolist() == pytest.approx([group.std(0).mean()] * 4)
    with pytest.raises(UserError, match="batch of 6 cannot be cut into groups of 4: choose"):
        parts.MinibatchStddev(4)(features[:6])


def test_mode_seeking_weighs_the_ratio_of_distances() -> None:
    gan, latents = create("mode_seeking", weight=3.0), torch.randn(6, 100)
    fake = torch.randn(6, 1, 4, 4)
    plain = gan.g_loss(None, gan.D(fake)).item()
    ratio = (fake[:3] - fake[3:]).abs().mean() / (latents[:3] - latents[3:]).abs().mean()
    objective = gan.g_objective(fake, fake, None, latents).item()
    assert objective - plain == pytest.approx(3 / (ratio.item() + 1e-5), rel=1e-4)


def test_unrolling_differentiates_through_the_discriminators_answer() -> None:
    """As finite differences say; an inner step that is detached does not pass."""
    torch.manual_seed(0)
    gan = create("unrolled", unrolling=3, inner_lr=0.5, width=0.02)
    gan.D.double()
    real = torch.rand(4, 1, 4, 4, dtype=torch.float64)
    fake = torch.rand(4, 1, 4, 4, dtype=torch.float64, requires_grad=True)

    def objective(x: Tensor) -> Tensor:
        return gan.g_objective(x, real, None, torch.empty(0))

    assert torch.autograd.gradcheck(objective, (fake,))
    assert all(weight.grad is None for weight in gan.D.parameters())


def test_a_label_enters_by_an_inner_product() -> None:
    phi = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.Linear(4, 1))
    D, x, y = parts.Projection(phi, 3), torch.randn(5, 1, 4, 4), torch.tensor([0, 2, 1, 1, 0])
    features = phi[1](x.flatten(1))
    for row in range(5):
        both = phi[2].weight[0] + D.embedding.weight[y[row]]
        expected = both @ features[row] + phi[2].bias[0]
        assert D(x, y)[row].item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-6)


def test_the_classifier_learns_from_real_samples_and_teaches_the_generator() -> None:
    gan, labels = create("acgan"), torch.tensor([0, 1, 2, 0])
    real, fake = torch.rand(2, 4, 1, 4, 4)
    penalty = gan.penalty(real, fake, 0, labels)
    assert penalty is not None
    expected = -gan.D.classify(real).log_softmax(1)[torch.arange(4), labels].mean()
    torch.testing.assert_close(penalty, expected)
    added = gan.g_objective(fake, real, labels, torch.randn(4, 100)) - gan.g_loss(
        None, gan.D(fake, labels)
    )
    expected = -gan.D.classify(fake).log_softmax(1)[torch.arange(4), labels].mean()
    torch.testing.assert_close(added, expected)


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_a_label_joins_what_each_network_takes(network: str) -> None:
    gan, x = create("cgan", network=network), torch.rand(3, 1, 4, 4)
    gan.G.eval()
    logits = [gan.D(x, torch.full((3,), label)) for label in (0, 1)]
    assert not torch.equal(*logits)
    latents = torch.randn(3, 100)
    assert not torch.equal(*(gan.G(latents, torch.full((3,), label)) for label in (0, 1)))


def test_a_conditional_penalty_is_given_the_labels() -> None:
    seen = list[object]()

    def penalty(self: GAN, real: Tensor, fake: Tensor, step: int, labels: Tensor) -> None:
        seen.append(labels.tolist())

    kind = type("Penalised", (registry.get("cgan"),), {"penalty": penalty})
    gan = kind({**registry.configure("cgan", {}), "shape": (1, 4, 4), "classes": 3})
    gan.step(Batch(0, torch.rand(2, 1, 4, 4), torch.randn(2, 2, 100), torch.tensor([2, 1])))
    assert seen == [[2, 1]]


def test_the_convolutional_pair_needs_images() -> None:
    with pytest.raises(UserError, match=r"does not fit samples of the shape \(2,\): it needs"):
        create("nonsaturating", (2,), network="conv")
    assert create("nonsaturating", (3, 8, 12), network="conv").G(torch.zeros(2, 100)).shape == (
        2, 3, 8, 12
    )  # fmt: skip


def test_the_variational_loss_is_a_sum_in_a_sample_and_a_mean_over_samples() -> None:
    x, rebuilt = torch.rand(2, 3, 4, dtype=torch.float64)
    mean, log_var = torch.randn(2, 3, 2, dtype=torch.float64)
    total = 0.0
    for row in range(3):
        for p, q in zip(x[row].tolist(), rebuilt[row].tolist(), strict=True):
            total -= p * math.log(q) + (1 - p) * math.log(1 - q)
        for m, v in zip(mean[row].tolist(), log_var[row].tolist(), strict=True):
            total += (m * m + math.exp(v) - v - 1) / 2
    ours = parts.variational_loss(2 * x - 1, 2 * rebuilt - 1, mean, log_var)
    assert ours.item() == pytest.approx(total / 3)


def test_a_flow_follows_a_constant_velocity_to_its_end() -> None:
    flow = parts.Flow((1, 2, 2), 8, 0.9)
    flow.average.forward = lambda x, t: torch.full_like(x, 0.5)
    assert flow(torch.zeros(2, 4)).flatten().tolist() == pytest.approx([0.5] * 8)
    seen = list[Tensor]()
    flow.velocity.forward = lambda x, t: seen.append(t) or torch.zeros_like(x)
    x, noise = torch.rand(64, 1, 2, 2), torch.randn(64, 4)
    loss = flow.loss(x, noise).item()
    assert loss == pytest.approx((x.flatten(1) - noise).square().mean().item())
    assert seen[0].shape == (64, 1)
    assert 0 <= seen[0].min() < 0.2 < 0.8 < seen[0].max() <= 1
