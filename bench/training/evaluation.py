"""Measuring a trial at a point of its budget: samples of a fixed stream, and the evaluator."""

from dataclasses import dataclass

from torch import Tensor

from bench import datasets, seeding
from bench.evaluation import Evaluator
from bench.training.curves import Diverged
from bench.trials import Trial
from bench.variants import Algorithm


def samples(algorithm: Algorithm, trial: Trial) -> Tensor:
    """As many as the trial is measured with, (n, *shape) in the data set's stored form.

    They come from latents that are the same at every point and for every variant.

    Raises:
        Diverged: an image is not finite.
    """
    images = algorithm.sample(trial.samples, seeding.generator("evaluation", trial.seed))
    if not images.isfinite().all():
        raise Diverged("a generated image is not finite")
    return datasets.get(trial.dataset).decode(images).cpu()


@dataclass(frozen=True)
class Measured:
    """The ruler's numbers, its words (the missing digits), and the numbers' sampling noise."""

    values: dict[str, float]
    words: dict[str, str]
    noise: dict[str, float]


def measure(evaluator: Evaluator, images: Tensor, *, last: bool) -> Measured:
    """What the evaluator says of the images: all at the last point, else the cheap metrics."""
    found = evaluator.score(images, thorough=last)
    words = {name: value for name, value in found.metrics.items() if isinstance(value, str)}
    values = {k: float(v) for k, v in found.metrics.items() if k not in words}
    return Measured(values, words, found.noise)
