"""The samples of an evaluation, and how it is abandoned half way, since it takes seconds."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from bench import datasets, seeding
from bench.training.scalars import Diverged
from bench.trials import Trial
from bench.variants import Algorithm


def samples(algorithm: Algorithm, trial: Trial, step: int = 0) -> Tensor:
    """As many as the trial is measured with, (n, *shape) in the data set's stored form.

    They come from latents that are the same at every point and for every variant.

    Raises:
        Diverged: a sample is not finite; the message names ``step``.
    """
    images = algorithm.sample(trial.samples, seeding.generator("evaluation", trial.seed))
    if not images.isfinite().all():
        raise Diverged(f"a generated image is not finite at step {step}")
    return datasets.get(trial.dataset).decode(images).cpu()


class Stopped(Exception):
    """A stop was asked for; what was being computed is abandoned."""


class Abandoning(TorchFunctionMode):
    """While the block runs, each tensor operation first asks whether to stop.

    So whatever samples or measures, a variant from a plug-in too, ends within one operation of it:
    the one that was about to begin raises `Stopped`.
    """

    def __init__(self, stopping: Callable[[], bool]) -> None:
        super().__init__()
        self._stopping = stopping

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self._stopping():
            raise Stopped
        return func(*args, **(kwargs or {}))
