import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench import nn as parts
from bench.nn.constraints import BATCH_NORMS, NORMALISATIONS


def logits() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(16, generator=generator), torch.randn(16, generator=generator)


def test_bce_is_the_papers_equation() -> None:
    real, fake = logits()
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    torch.testing.assert_close(
        parts.NonSaturating.d_loss(real, fake), -(d_real.log().mean() + (1 - d_fake).log().mean())
    )
    torch.testing.assert_close(parts.NonSaturating.g_loss(None, fake), -d_fake.log().mean())


def test_bce_is_torchs_own() -> None:
    real, fake = logits()
    ours = parts.NonSaturating.d_loss(real, fake)
    theirs = F.binary_cross_entropy_with_logits(real, torch.ones(16))
    theirs += F.binary_cross_entropy_with_logits(fake, torch.zeros(16))
    torch.testing.assert_close(ours, theirs)


def test_wasserstein() -> None:
    real, fake = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 0.0])
    assert parts.Wasserstein.d_loss(real, fake).item() == 0.5 - 3
    assert parts.Wasserstein.g_loss(None, fake).item() == -0.5


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm1d(4),
        nn.InstanceNorm1d(4, affine=True),
        nn.LayerNorm(4),
        nn.GroupNorm(2, 4),
        nn.RMSNorm(4),
    ],
    ids=lambda norm: type(norm).__name__,
)
def test_clipping_takes_weights_and_biases_but_no_normalisation(norm: nn.Module) -> None:
    net = nn.Sequential(nn.Linear(4, 4), norm, nn.Linear(4, 1))
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(3.0)
    parts.clip_weights(net, 0.01)
    assert torch.all(net[0].weight == 0.01)
    assert torch.all(net[0].bias == 0.01)
    assert torch.all(net[1].weight == 3.0)


def test_every_normalisation_of_torch_is_known() -> None:
    layers = {layer for name, layer in vars(nn).items() if "Norm" in name}
    assert set(NORMALISATIONS) == layers - {nn.LocalResponseNorm}  # it has no weights
    assert set(BATCH_NORMS) == {layer for layer in layers if "BatchNorm" in layer.__name__}


def test_gradient_penalty_of_a_linear_critic_is_exact() -> None:
    """∇f = w everywhere, so the penalty is (‖w‖ − 1)², whatever the points."""
    critic = nn.Sequential(nn.Flatten(), nn.Linear(784, 1, bias=False))
    real, fake = torch.rand(2, 5, 1, 28, 28)
    expected = (critic[1].weight.norm() - 1) ** 2
    torch.testing.assert_close(parts.gradient_penalty(critic, real, fake), expected.detach())


def test_gradient_penalty_is_per_image_with_its_own_interpolation() -> None:
    """f(x) = ½‖x‖² has ∇f(x̂) = x̂: between 0 and c·1 the norm is 28·c·(1 − ε), one ε an image."""

    class Half(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.square().flatten(1).sum(1) / 2

    n = 4000
    torch.manual_seed(0)
    penalty = parts.gradient_penalty(Half(), torch.zeros(n, 1, 28, 28), torch.ones(n, 1, 28, 28))
    share = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    expected = (28 * share - 1).square().mean()
    assert abs(penalty.item() - expected.item()) / expected.item() < 0.05


def test_power_iteration_advances_once_a_discriminator_step() -> None:
    net = nn.Sequential(nn.Flatten(), parts.spectral(nn.Linear(784, 8)))
    images = torch.rand(4, 1, 28, 28)
    before = net[1].parametrizations.weight[0]._v.clone()
    with parts.frozen(net):
        net(images)
    assert torch.equal(before, net[1].parametrizations.weight[0]._v)
    net(images)
    assert not torch.equal(before, net[1].parametrizations.weight[0]._v)
