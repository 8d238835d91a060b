"""The lean training step against the loop that tutorials write: the same mathematics, step by step.

Tutorials put a sigmoid behind the discriminator and use BCELoss, show real and fake images in two
passes, and let gradients reach the discriminator's weights in the generator's step only to throw
them away. Here: softplus on logits, one joint pass, frozen weights. Dropout draws its masks in
another order in a joint pass, so it is switched off for the comparison. In float64, because Adam
turns rounding errors of near-zero gradients into whole steps.
"""

import copy

import pytest
import torch
from torch import Tensor, nn

from bench import streams
from bench.data import mnist, pixels
from bench.data.order import Order
from bench.variants import GAN, Batch, registry

STEPS = 40


def batches(images: Tensor) -> list[Batch]:
    order, found = Order(len(images), 64, seed=0), []
    for step in range(STEPS):
        latents = torch.randn(2, 64, 100, generator=streams.generator("latent", 0, step))
        real = pixels.to_float(images[order.indices(step)])
        found.append(Batch(step, real.double(), latents.double()))
    return found


def tutorial(gan: GAN, given: list[Batch], betas: tuple[float, float]) -> None:
    """Train copies of the networks as a tutorial would."""
    bce, ones = nn.BCELoss(), torch.ones(64, 1, dtype=torch.float64)
    zeros = torch.zeros_like(ones)
    optimizer_d = torch.optim.Adam(gan.D.parameters(), lr=2e-4, betas=betas)
    optimizer_g = torch.optim.Adam(gan.G.parameters(), lr=2e-4, betas=betas)
    for batch in given:
        fake = gan.G(batch.latents[0])
        optimizer_d.zero_grad()
        real_loss = bce(torch.sigmoid(gan.D(batch.real)), ones)
        fake_loss = bce(torch.sigmoid(gan.D(fake.detach())), zeros)
        (real_loss + fake_loss).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        bce(torch.sigmoid(gan.D(fake)), ones).backward()
        optimizer_g.step()


@pytest.mark.parametrize(
    ("variant", "settings", "betas"),
    [
        ("mlp_bce", {}, (0.9, 0.999)),
        ("batchnorm_dropout", {"dropout": 0.0}, (0.5, 0.999)),
    ],
)
def test_the_same_weights_after_forty_steps(
    variant: str, settings: dict[str, float], betas: tuple[float, float], mnist_store: object
) -> None:
    torch.manual_seed(0)
    ours = registry.create(variant, registry.configure(variant, settings))
    assert isinstance(ours, GAN)
    for network in ours.networks().values():
        network.double()
    theirs, start = copy.deepcopy(ours), copy.deepcopy(ours)
    given = batches(mnist.load("train").images)
    for batch in given:
        ours.step(batch)
    tutorial(theirs, given, betas)
    for one, other, before in zip(
        [*ours.G.parameters(), *ours.D.parameters()],
        [*theirs.G.parameters(), *theirs.D.parameters()],
        [*start.G.parameters(), *start.D.parameters()],
        strict=True,
    ):
        moved = (other - before).norm()
        assert (one - other).norm() < 1e-6 * moved
