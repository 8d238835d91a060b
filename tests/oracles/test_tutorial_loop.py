"""The lean training step against the loop that tutorials write: the same mathematics, step by step.

Tutorials put a sigmoid behind the discriminator and use BCELoss, show real and fake images in two
passes, and let gradients reach the discriminator's weights in the generator's step only to throw
them away (`bench.speed.tutorial`). Here: softplus on logits, one joint pass, frozen weights, other
kernels. Dropout draws its masks in another order in a joint pass, so it is switched off for the
comparison; spectral normalisation estimates once where a tutorial's passes do so three times, so it
is compared with its estimate held still. Over many steps in float64, because Adam turns rounding
errors of near-zero gradients into whole steps; in float32 over the first steps.
"""

import copy

import pytest
import torch
from torch import Tensor

from bench import seeding
from bench.datasets import mnist, pixels
from bench.datasets.order import Order
from bench.speed import tutorial
from bench.variants import GAN, Batch, registry

STEPS = 40
TOLERANCE = 0.03  # of five RMSprop steps on signs; the others are at 1e-4


def batches(images: Tensor, dtype: torch.dtype) -> list[Batch]:
    order, found = Order(len(images), 64, seed=0), []
    for step in range(STEPS):
        latents = torch.randn(2, 64, 100, generator=seeding.generator("latent", 0, step))
        real = pixels.to_float(images[order.indices(step)])
        found.append(Batch(step, real.to(dtype), latents.to(dtype)))
    return found


def parameters(gan: GAN) -> list[Tensor]:
    return [weight for network in gan.networks().values() for weight in network.parameters()]


def both_ways(variant: str, dtype: torch.dtype, count: int) -> tuple[GAN, GAN, GAN]:
    """Ours and the tutorial's after ``count`` steps, and what both began with."""
    settings = {"dropout": 0.0} if variant == "batchnorm_dropout" else {}
    torch.manual_seed(0)
    ours = registry.create(variant, registry.configure(variant, settings), (1, 28, 28), 10)
    assert isinstance(ours, GAN)
    for network in ours.networks().values():
        network.to(dtype)
    if variant == "spectral_norm":
        ours.D.eval()
    theirs, start = copy.deepcopy(ours), copy.deepcopy(ours)
    step = tutorial.step_of(theirs)
    for batch in batches(mnist.load("train").images, dtype)[:count]:
        ours.step(batch)
        latents = iter(batch.latents)
        step(batch.real, lambda latents=latents: next(latents))
    return ours, theirs, start


VARIANTS = ["mlp_bce", "batchnorm_dropout", "spectral_norm", "wgan"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_weights_after_forty_steps(variant: str, mnist_store: object) -> None:
    ours, theirs, start = map(parameters, both_ways(variant, torch.float64, STEPS))
    for one, other, before in zip(ours, theirs, start, strict=True):
        assert (one - other).norm() < 1e-6 * (other - before).norm()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_gradients_in_single_precision(variant: str, mnist_store: object) -> None:
    """The generator's, which come through the discriminator's first update."""
    n_critic = {"wgan": 5}.get(variant, 1)
    ours, theirs, _ = both_ways(variant, torch.float32, n_critic)
    for one, other in zip(ours.G.parameters(), theirs.G.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert (one.grad - other.grad).norm() < TOLERANCE * other.grad.norm()
