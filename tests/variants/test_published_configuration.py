"""The four shipped variants are the ones that their papers and tutorials describe."""

import pytest
import torch
from torch import nn

from bench.nn import Dropout, Linear
from bench.variants import GAN, registry


def made(name: str) -> GAN:
    algorithm = registry.create(name, registry.configure(name, {}), (1, 28, 28), 10)
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
