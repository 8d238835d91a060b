"""How the digit classifiers were trained; ``ganbench classifier`` runs this again from scratch.

Cross-entropy on all 60,000 training images under small random affine maps, AdamW with a one-cycle
rate, and an exponential moving average of the weights. The test images are read once, at the end,
to report the accuracy; nothing is chosen by them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional as F

from bench import paths, seeding
from bench.datasets import files, mnist, pixels
from bench.datasets.order import Order
from bench.errors import unknown
from bench.evaluation.networks import BUILDERS, DigitNet

Report = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """Everything that a retraining depends on besides the code."""

    network: str = "digits"
    seed: int = 0
    epochs: int = 30
    batch: int = 128
    rate: float = 4e-3
    weight_decay: float = 0.02
    averaging: float = 0.999


SHIPPED = {
    "digits": Recipe(network="digits", seed=1, epochs=50, averaging=0.9995),
    "alternative": Recipe(network="alternative", seed=2, epochs=24),
}
"""What the weights in the repository were made with."""


@dataclass(frozen=True)
class Retrained:
    """A classifier trained from scratch: test accuracy in percent, errors for each digit."""

    accuracy: float
    errors: list[int]
    sha256: str


def retrain(network: str, out: Path, report: Report = lambda line: None) -> Retrained:
    """Train one of the shipped networks again and write its weights to ``out``.

    Raises:
        UserError: there is no such network, the data is missing, or ``out`` cannot be written.
    """
    if network not in SHIPPED:
        raise unknown("classifier", network, SHIPPED)
    net = train(SHIPPED[network], report)
    weights = {k: v.contiguous().to(torch.float32) for k, v in net.state_dict().items()}
    try:
        with paths.replacing(out) as file:
            file.write(safetensors.torch.save(weights))
    except OSError as error:
        raise paths.unwritable(out, error) from error
    errors = _errors_by_digit(net)
    accuracy = 100 - 100 * sum(errors) / len(mnist.load("test").labels)
    return Retrained(accuracy, errors, files.digest_of(out))


def train(recipe: Recipe, report: Report = lambda line: None) -> DigitNet:
    """Train one classifier and return its averaged weights in eval mode."""
    parts = [mnist.load("train"), mnist.load("heldout")]
    images, labels = (torch.cat([getattr(p, n) for p in parts]) for n in ("images", "labels"))
    torch.manual_seed(seeding.derive("init", recipe.seed))
    net = BUILDERS[recipe.network]().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
            recipe.averaging
        ),
        use_buffers=True,
    )  # fmt: skip
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True
    )
    per_epoch = len(images) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=per_epoch * recipe.epochs, pct_start=0.2
    )
    order = Order(len(images), recipe.batch, recipe.seed)
    for step in range(per_epoch * recipe.epochs):
        torch.manual_seed(seeding.derive("classifier", recipe.seed, step))
        chosen = order.indices(step)
        _, logits = net(_jitter(pixels.to_float(images[chosen])))
        loss = F.cross_entropy(logits, labels[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        average.update_parameters(net)
        if (step + 1) % per_epoch == 0:
            report(f"epoch {(step + 1) // per_epoch}/{recipe.epochs}  loss {loss.item():.4f}")
    trained = average.module.eval()
    assert isinstance(trained, DigitNet)
    return trained


def _errors_by_digit(net: DigitNet) -> list[int]:
    """How many of the test images of each digit the classifier gets wrong."""
    test = mnist.load("test")
    with torch.inference_mode():
        logits = torch.cat(
            [net(pixels.to_float(chunk))[1] for chunk in torch.split(test.images, 250)]
        )
    wrong = test.labels[logits.argmax(1) != test.labels]
    return torch.bincount(wrong, minlength=10).tolist()


def _jitter(images: Tensor) -> Tensor:
    """A random affine map for each image: ±12°, ±10 % size, ±0.15 shear, ±2 pixels."""
    n = len(images)
    angle, shear = _uniform(n, 0.21), _uniform(n, 0.15)
    wide, high = 1 + _uniform(n, 0.1), 1 + _uniform(n, 0.1)
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack(
        [
            torch.stack([wide * cos, wide * (shear * cos - sin), _uniform(n, 2 / 14)], 1),
            torch.stack([high * sin, high * (shear * sin + cos), _uniform(n, 2 / 14)], 1),
        ],
        dim=1,
    )
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    # grid_sample pads with 0; shifting by one makes that the background.
    return F.grid_sample(images + 1, grid, align_corners=False) - 1


def _uniform(n: int, half_width: float) -> Tensor:
    return torch.rand(n).mul_(2 * half_width).sub_(half_width)
