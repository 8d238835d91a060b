"""The base line: one training step as tutorials write it, on the networks of our variants.

A DataLoader that converts and normalises image by image, a sigmoid with BCELoss, separate passes
over real and fake images, torch's default optimisers, gradients for weights that are not stepped,
and torch's own choice of threads. ``tests/oracles`` compares the variants' steps with it.
"""

from collections.abc import Callable
from functools import partial
from itertools import chain, repeat

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, Normalize, ToTensor

from bench.errors import UserError
from bench.nn.fast import plain
from bench.variants import GAN
from bench.variants.batchnorm_dropout import BatchNormDropout
from bench.variants.mlp_bce import MLPBCE
from bench.variants.spectral_norm import SpectralNorm
from bench.variants.wgan import WGAN

CrossEntropy = MLPBCE | BatchNormDropout | SpectralNorm

Draw = Callable[[], Tensor]
"""Latents (B, latent), new ones at each call."""
Step = Callable[[Tensor, Draw], None]
"""From real images (B, *shape) in [-1, 1] and a source of latents."""


def loop(gan: GAN, images: Tensor, batch: int, device: str) -> Callable[[], None]:
    """One training step at each call, from an endless shuffled DataLoader.

    Args:
        gan: whose networks are trained, on ``device``; the DataLoader is the processor's.
        images: (N, *shape) uint8, ``batch`` of them a step.

    Raises:
        UserError: no tutorial's loop is known for this variant.
    """
    loader = DataLoader(Digits(images), batch_size=batch, shuffle=True, drop_last=True)
    batches = chain.from_iterable(repeat(loader))  # which shuffles again each time
    for network in gan.networks().values():
        network.to(device)
    step, draw = step_of(gan), partial(torch.randn, batch, gan.latent, device=device)
    return lambda: step(next(batches).to(device), draw)


def step_of(gan: GAN) -> Step:
    """The tutorials' step for the networks of ``gan``, whose layers are made torch's own.

    Raises:
        UserError: no tutorial's loop is known for this variant.
    """
    if not isinstance(gan, WGAN | CrossEntropy):
        raise UserError(
            f"No tutorial's loop is known for {type(gan).__name__}, so its speed cannot be "
            "compared: choose other variants with --variants."
        )
    gan.G, gan.D = plain(gan.G), plain(gan.D)
    return wasserstein(gan) if isinstance(gan, WGAN) else crossentropy(gan)


def crossentropy(gan: CrossEntropy) -> Step:
    """Sigmoid and BCELoss; the fakes of the discriminator's step serve the generator's too."""
    bce, judge = nn.BCELoss(), nn.Sequential(gan.D, nn.Sigmoid())
    adam = partial(torch.optim.Adam, lr=gan.lr, betas=(gan.beta1, gan.beta2))
    optimizer_d, optimizer_g = adam(gan.D.parameters()), adam(gan.G.parameters())

    def step(real: Tensor, draw: Draw) -> None:
        ones, zeros = real.new_ones(len(real), 1), real.new_zeros(len(real), 1)
        fake = gan.G(draw())
        optimizer_d.zero_grad()
        real_loss = bce(judge(real), ones)
        fake_loss = bce(judge(fake.detach()), zeros)
        (real_loss + fake_loss).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        bce(judge(fake), ones).backward()
        optimizer_g.step()

    return step


def wasserstein(gan: WGAN) -> Step:
    """Weights clipped one by one; every ``n_critic``-th step also moves the generator."""
    optimizer_d = torch.optim.RMSprop(gan.D.parameters(), lr=gan.lr)
    optimizer_g = torch.optim.RMSprop(gan.G.parameters(), lr=gan.lr)
    done = 0

    def step(real: Tensor, draw: Draw) -> None:
        nonlocal done
        optimizer_d.zero_grad()
        fake = gan.G(draw()).detach()
        (gan.D(fake).mean() - gan.D(real).mean()).backward()
        optimizer_d.step()
        for weight in gan.D.parameters():
            weight.data.clamp_(-gan.clip, gan.clip)
        done += 1
        if done % gan.n_critic == 0:
            optimizer_g.zero_grad()
            (-gan.D(gan.G(draw())).mean()).backward()
            optimizer_g.step()

    return step


class Digits(Dataset[Tensor]):
    """MNIST as torchvision serves it: a PIL image through a list of transforms."""

    def __init__(self, images: Tensor) -> None:
        self._images = images
        self._transform = Compose([ToTensor(), Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        image: Tensor = self._transform(Image.fromarray(self._images[index, 0].numpy()))
        return image
