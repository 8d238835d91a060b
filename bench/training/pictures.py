"""What a trial draws: its samples at each evaluation; once, at its end, samples next to the
training images nearest to them, and walks between latents."""

import copy
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from bench import datasets, paths, seeding
from bench.datasets import Dataset
from bench.datasets.pixels import WHITE, ImageDataset, tiled
from bench.datasets.plane import Mixture
from bench.evaluation import Evaluator
from bench.evaluation.declarations import FINAL
from bench.trials import Trial
from bench.variants import GAN, Algorithm

_PAIRS, _PAIRS_ACROSS = 32, 8
_WALKS, _STEPS = 4, 12
_CLASSES, _OF_EACH = 10, 10
_SIDE = 48  # points of the discriminator's surface, in each direction


def snapshot(algorithm: Algorithm, samples: Tensor, dataset: Dataset, path: Path) -> None:
    """Draw samples (N, *shape) in stored form; points with the discriminator's surface behind."""
    if isinstance(dataset, Mixture):
        dataset.draw(samples, path, surface(algorithm, dataset))
    else:
        dataset.draw(samples, path)


def surface(algorithm: Algorithm, dataset: Mixture) -> Tensor | None:
    """(side, side) logits over the picture of a plane; None where D does not judge single points.

    A copy in eval mode answers, so that nothing of the trial changes.
    """
    if not isinstance(algorithm, GAN) or algorithm.pack > 1 or algorithm.conditional:
        return None
    judge = copy.deepcopy(algorithm.D).eval()
    points = dataset.encode(dataset.lattice(_SIDE)).to(next(judge.parameters()).device)
    with torch.no_grad():
        return judge(points).cpu().view(_SIDE, _SIDE)  # type: ignore[no-any-return]


def draw(
    evaluator: Evaluator,
    algorithm: Algorithm,
    images: Tensor,
    train: Tensor,
    trial: Trial,
    folder: Path,
) -> dict[str, str]:
    """Write the pictures into a trial's folder; none where its samples are no images.

    Args:
        images: (N, *shape) uint8, the samples that were measured.
        train: the same of the data set's training images.

    Returns:
        Key of each picture to its file in ``folder``.
    """
    if not isinstance(datasets.get(trial.dataset), ImageDataset):
        return {}
    # Where training samples are not compared, to see them all would take minutes.
    compared = any(metric.name == "neighbour_ratio" for metric in evaluator.at(FINAL))
    drawn = {"neighbours": neighbours(evaluator, images[:_PAIRS], train)} if compared else {}
    if (labels := algorithm.labels(len(images))) is not None:
        drawn["classes"] = by_class(images, labels)
    # Only a game that samples as the contract does is known to have Gaussian latents.
    if isinstance(algorithm, GAN) and type(algorithm).sample is GAN.sample:
        drawn["interpolation"] = interpolation(algorithm, trial)
    for key, picture in drawn.items():
        with paths.replacing(folder / f"{key}.png") as file:
            Image.fromarray(picture.numpy()).save(file, format="PNG")
    return {key: f"{key}.png" for key in drawn}


def neighbours(evaluator: Evaluator, images: Tensor, train: Tensor) -> Tensor:
    """Each image with the training image nearest to it on its right, eight pairs a line.

    Images that do not fill a line are left out, unless they are fewer than one.
    Nearest in the evaluator's features, as its memorisation metrics mean it: a copy that is moved
    by a pixel is far from the original in pixels and near it in features.
    """
    across = min(_PAIRS_ACROSS, len(images))
    images = images[: len(images) // across * across]
    nearest = train[evaluator.nearest_training(images)]
    return tiled(torch.cat([images, nearest], dim=3), across, gap=4)


def by_class(images: Tensor, labels: Tensor) -> Tensor:
    """Ten samples of each of the first ten classes, a line a class; white where one lacks."""
    blank = torch.full_like(images[:1], WHITE)
    lines = [
        torch.cat([images[labels == label][:_OF_EACH], blank.expand(_OF_EACH, *images.shape[1:])])
        for label in range(min(_CLASSES, int(labels.max()) + 1))
    ]
    return tiled(torch.cat([line[:_OF_EACH] for line in lines]), _OF_EACH, gap=2)


def interpolation(algorithm: GAN, trial: Trial) -> Tensor:
    """Four walks of twelve steps, a line each, between the first eight evaluation latents.

    They are spherical (White, "Sampling Generative Networks", 2016, arXiv 1609.04468): a straight
    line between two Gaussian latents passes nearer to the origin than any latent that the generator
    was trained on. Every walk begins and ends with an image of the sample grid; that of a
    conditional variant stays in the class in which it begins.
    """
    latents = torch.randn(
        trial.samples, algorithm.latent, generator=seeding.generator("evaluation", trial.seed)
    )
    ends = latents[: 2 * _WALKS].view(_WALKS, 2, -1)
    walks = torch.cat([spherical(start, end, _STEPS) for start, end in ends])
    labels = algorithm.labels(2 * _WALKS)
    if labels is not None:
        labels = labels[::2].repeat_interleave(_STEPS)
    images = datasets.get(trial.dataset).decode(algorithm.generate(walks, labels)).cpu()
    return tiled(images, _STEPS, gap=2)


def spherical(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """(steps, d) from ``start`` (d,) to ``end``, both included, at a constant angular speed."""
    angle = torch.arccos(F.cosine_similarity(start, end, dim=0).clamp(-1, 1))
    t = torch.linspace(0, 1, steps)[:, None]
    if angle.sin() < 1e-6:  # in one line: there is no arc to follow
        return torch.lerp(start, end, t)
    return (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / angle.sin()
