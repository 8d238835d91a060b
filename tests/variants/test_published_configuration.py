"""The shipped variants are the ones that their papers and tutorials describe."""

from typing import Any

import pytest
import torch
from torch import nn

from bench import nn as parts
from bench.errors import UserError
from bench.nn import Dropout, Linear
from bench.variants import GAN, Batch, registry


def made(name: str, **settings: Any) -> GAN:
    algorithm = registry.create(name, registry.configure(name, settings), (1, 28, 28), 10)
    assert isinstance(algorithm, GAN)
    return algorithm


def shapes(network: nn.Module) -> list[int]:
    layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
    return [layers[0].in_features, *(layer.out_features for layer in layers)]


def kinds(network: nn.Module) -> list[type[nn.Module]]:
    return [type(module) for module in network]


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [
        ("mlp_bce", [100, 256, 512, 784], [784, 512, 256, 1]),
        ("batchnorm_dropout", [100, 256, 512, 1024, 784], [784, 1024, 512, 256, 1]),
        ("wgan", [100, 256, 512, 1024, 784], [784, 1024, 512, 256, 1]),
        ("spectral_norm", [100, 256, 512, 1024, 784], [784, 1024, 512, 256, 1]),
    ],
)
def test_widths(name: str, generator: list[int], discriminator: list[int]) -> None:
    gan = made(name)
    assert shapes(gan.G) == generator
    assert shapes(gan.D) == discriminator


def test_order_of_layers() -> None:
    gan = made("batchnorm_dropout")
    assert kinds(gan.G)[:3] == [Linear, nn.ReLU, nn.BatchNorm1d]
    assert kinds(gan.D)[1:4] == [Linear, nn.LeakyReLU, Dropout]
    assert gan.D[3].p == 0.3
    assert gan.G[2].eps == 1e-5, "BatchNorm1d(n, 0.8) sets eps: a mistake of popular code"


@pytest.mark.parametrize(
    ("name", "betas"),
    [
        ("mlp_bce", (0.9, 0.999)),
        ("batchnorm_dropout", (0.5, 0.999)),
        ("spectral_norm", (0.5, 0.999)),
    ],
)
def test_adam(name: str, betas: tuple[float, float]) -> None:
    for optimizer in (made(name).optimizer_d, made(name).optimizer_g):
        assert isinstance(optimizer, torch.optim.Adam)
        assert optimizer.defaults["lr"] == 2e-4
        assert optimizer.defaults["betas"] == betas


def test_wgan_has_no_momentum_and_no_dropout() -> None:
    gan = made("wgan")
    assert isinstance(gan.optimizer_d, torch.optim.RMSprop)
    assert gan.optimizer_d.defaults["lr"] == 5e-5
    assert gan.optimizer_d.defaults["momentum"] == 0
    assert gan.n_critic == 5
    assert not any(isinstance(m, nn.Dropout) for m in gan.D.modules())


def test_tutorial_variants_reuse_their_fakes_and_wgan_draws_fresh_ones() -> None:
    assert made("mlp_bce").reuse_fakes
    assert made("batchnorm_dropout").reuse_fakes
    assert not made("wgan").reuse_fakes


PAIR = {"beta1": 0.5, "beta2": 0.999, "lr_d": 2e-4, "lr_g": 2e-4, "n_critic": 1, "latent": 100}
PUBLISHED: dict[str, tuple[type, dict[str, Any]]] = {
    "minimax": (parts.Minimax, {}),
    "nonsaturating": (parts.NonSaturating, {}),
    "lsgan": (parts.LeastSquares, {}),
    "hinge": (parts.Hinge, {}),
    "wgan_gp": (
        parts.Wasserstein,
        {"n_critic": 5, "penalty_weight": 10.0, "lr_d": 1e-4, "lr_g": 1e-4, "beta2": 0.9}
        | {"batch_norm": False},
    ),
    "dragan": (parts.NonSaturating, {"penalty_weight": 10.0}),
    "rpgan": (parts.RelativisticPairing, {"beta1": 0.0, "beta2": 0.99}),
    "r1": (parts.NonSaturating, {"gamma": 1.0}),
    "r3gan": (parts.RelativisticPairing, {"gamma": 10.0, "beta1": 0.0, "beta2": 0.99}),
    "began": (parts.Equilibrium, {"gamma": 0.75, "gain": 1e-3, "lr_d": 1e-4, "lr_g": 1e-4}),
    "unrolled": (parts.NonSaturating, {"unrolling": 5}),
    "pacgan": (parts.NonSaturating, {"pack": 2}),
    "minibatch_stddev": (parts.NonSaturating, {"group": 4}),
    "mode_seeking": (parts.NonSaturating, {"weight": 1.0}),
    "cgan": (parts.NonSaturating, {}),
    "acgan": (parts.NonSaturating, {}),
    "projection": (parts.Hinge, {"spectral_norm": True, "beta1": 0.0, "beta2": 0.9}),
}
DISCRIMINATORS = {
    "pacgan": [2 * 784, 1024, 512, 256, 1],
    "minibatch_stddev": [784, 1024, 512, 257, 1],
    "cgan": [794, 1024, 512, 256, 1],
    "acgan": [784, 1024, 512, 256, 1, 10],
    "began": [784, 1024, 512, 256, 64, 256, 512, 1024, 784],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_losses_settings_and_networks(name: str) -> None:
    gan, (loss, settings) = made(name), PUBLISHED[name]
    assert isinstance(gan, loss)
    assert type(gan).g_loss is loss.g_loss
    configuration = registry.configure(name, {})
    assert {key: configuration[key] for key in PAIR | settings} == PAIR | settings
    for optimizer, lr in ((gan.optimizer_d, "lr_d"), (gan.optimizer_g, "lr_g")):
        assert isinstance(optimizer, torch.optim.Adam)
        assert optimizer.defaults["lr"] == configuration[lr]
        assert optimizer.defaults["betas"] == (configuration["beta1"], configuration["beta2"])
    labels = 10 if gan.conditional else 0
    assert shapes(gan.G) == [100 + labels, 256, 512, 1024, 784]
    inputs = [m.in_features for m in gan.D.modules() if isinstance(m, nn.Linear)]
    expected = DISCRIMINATORS.get(name, [784, 1024, 512, 256, 1])
    assert inputs[0] == expected[0]
    if name != "minibatch_stddev":
        assert shapes(gan.D) == expected
    assert inputs[3] == (257 if name == "minibatch_stddev" else 256)
    assert not gan.reuse_fakes
    assert not any(isinstance(m, nn.Dropout) for m in gan.D.modules())
    norms = [m for m in gan.G.modules() if isinstance(m, nn.BatchNorm1d)]
    assert len(norms) == (3 if configuration["batch_norm"] else 0)


def test_the_convolutional_pair() -> None:
    gan = made("nonsaturating", network="conv")
    assert kinds(gan.G) == [
        *(Linear, nn.Unflatten, nn.BatchNorm2d, nn.ReLU),
        *(nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU, nn.ConvTranspose2d, nn.Tanh),
    ]
    assert kinds(gan.D) == [*(nn.Conv2d, nn.LeakyReLU, nn.Conv2d, nn.LeakyReLU, nn.Flatten, Linear)]
    assert gan.G[0].out_features == gan.D[-1].in_features == 64 * 7 * 7
    assert gan.G[4].weight.shape == (64, 32, 4, 4)
    assert gan.D[0].weight.shape == (32, 1, 4, 4)
    assert abs(gan.G[0].weight.std().item() - 0.02) < 1e-3
    assert gan.G(torch.zeros(2, 100)).shape == (2, 1, 28, 28)


def stacked(network: str) -> GAN:
    configuration = registry.configure("pacgan", {"network": network, "latent": 256})
    algorithm = registry.create("pacgan", configuration, (3, 28, 28), 1000)
    assert isinstance(algorithm, GAN)
    return algorithm


def maps(network: nn.Module) -> list[tuple[int, int, int]]:
    """Inputs, outputs and kernel of each convolution."""
    layers = [m for m in network if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    return [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in layers]


@pytest.mark.parametrize(("network", "widths"), [("metz_half", (4, 8, 16)),
                                                 ("metz_quarter", (2, 4, 8))])  # fmt: skip
def test_the_networks_of_unrolled_gan_for_stacked_mnist(
    network: str, widths: tuple[int, int, int]
) -> None:
    gan = stacked(network)
    assert gan.G[0].out_features == 4 * 4 * 64
    assert maps(gan.G) == [(64, 32, 3), (32, 16, 3), (16, 8, 3), (8, 3, 3)]
    a, b, c = widths
    assert maps(gan.D) == [(6, a, 3), (a, b, 3), (b, c, 3)]
    assert [m.negative_slope for m in gan.D if isinstance(m, nn.LeakyReLU)] == [0.3] * 3
    _draws_and_judges(gan)


def test_the_networks_of_veegan_for_stacked_mnist() -> None:
    gan = stacked("dcgan")
    assert maps(gan.G) == [(512, 256, 5), (256, 128, 5), (128, 64, 5), (64, 3, 5)]
    assert maps(gan.D) == [(6, 64, 5), (64, 128, 5), (128, 256, 5), (256, 512, 5)]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in gan.D) == 3
    _draws_and_judges(gan)


def _draws_and_judges(gan: GAN) -> None:
    assert not gan.joint_pass, "batch norm must not mix real and fake"
    assert gan.G(torch.zeros(4, 256)).shape == (4, 3, 28, 28)
    batch = Batch(0, torch.rand(8, 3, 28, 28), torch.randn(2, 8, 256))
    assert gan.step(batch)["loss_d"].isfinite()


@pytest.mark.parametrize(
    ("network", "shape", "sentence"),
    [
        ("metz_half", (3, 30, 30), "does not fit samples of the shape"),
        ("dcgan", (2,), "does not fit samples of the shape .2,.: it needs images whose height and"),
        ("conv", (1, 30, 30), "does not fit samples of the shape"),
    ],
)
def test_what_a_network_does_not_fit(network: str, shape: tuple[int, ...], sentence: str) -> None:
    configuration = registry.configure("nonsaturating", {"network": network})
    with pytest.raises(UserError, match=sentence):
        registry.create("nonsaturating", configuration, shape, 10)


def test_the_ablation_as_it_stands_is_the_tutorials_pair_to_the_bit() -> None:
    trained = []
    for name in ("ablation", "batchnorm_dropout"):
        torch.manual_seed(0)
        gan = made(name)
        for index in range(3):
            torch.manual_seed(index)
            batch = Batch(index, torch.rand(8, 1, 28, 28), torch.randn(2, 8, 100))
            gan.step(batch)
        trained.append([*gan.G.state_dict().values(), *gan.D.state_dict().values()])
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*trained, strict=True))


def test_each_part_of_the_tutorials_pair_can_be_changed_alone() -> None:
    gan = made("ablation", batch_norm=False, dropout=0.0, reuse_fakes=False, beta1=0.9, width=0.5)
    assert shapes(gan.G) == [100, 128, 256, 512, 784]
    assert shapes(gan.D) == [784, 512, 256, 128, 1]
    assert not any(isinstance(m, nn.Dropout | nn.BatchNorm1d) for m in [*gan.G, *gan.D])
    assert not gan.reuse_fakes
    assert gan.optimizer_g.defaults["betas"] == (0.9, 0.999)


def test_spectral_norm_two_time_scales_and_an_average_are_settings() -> None:
    gan = made("hinge", spectral_norm=True, lr_d=4e-4, lr_g=1e-4, ema=0.99)
    layers = [m for m in gan.D if isinstance(m, nn.Linear)]
    assert all(hasattr(layer, "parametrizations") for layer in layers)
    assert (gan.optimizer_d.defaults["lr"], gan.optimizer_g.defaults["lr"]) == (4e-4, 1e-4)
    assert gan.sampler is gan.average


def test_the_vae_and_the_flow() -> None:
    vae = registry.create("vae", registry.configure("vae", {}), (1, 28, 28), 10)
    networks = vae.networks()
    assert shapes(networks["encoder"]) == [784, 400, 40]
    assert shapes(networks["generator"]) == [20, 400, 784]
    flow = registry.create("flow_matching", registry.configure("flow_matching", {}), (2,), 0)
    assert flow.latent == 2, "noise has the size of a sample"
