"""The training step on a GPU: what a step does is captured once as a CUDA graph and then replayed.

A step of these networks is some hundred kernels of a few microseconds. Launched one by one from
Python they leave a GPU idle; replayed as one graph they do not.
"""

from collections.abc import Callable

import torch

from bench import seeding
from bench.datasets import Samples
from bench.training import runtime
from bench.training.cuda import Capture, Stream
from bench.training.generator import build
from bench.training.loader import DeviceDataLoader
from bench.training.step import Scalars
from bench.trials import Trial
from bench.variants import Algorithm

_WARM_UP = 3
"""Steps before the first capture: allocators and libraries choose in them what to use from then."""


class CUDAGraphStep:
    """A trial's steps in a stream of a GPU, each a replay of an earlier one that was captured.

    The first steps are launched kernel by kernel, and so are all of them where the variant's
    `cycle` is not known or a step cannot be captured; the results are the same.
    ``report`` receives a line that says why steps are not captured.
    """

    def __init__(
        self, trial: Trial, samples: Samples, stream: Stream, report: Callable[[str], None]
    ) -> None:
        self.algorithm, self.device = build(trial), stream.device
        self.algorithm.to(self.device)
        self._trial, self._stream, self._report = trial, stream, report
        self._loader = DeviceDataLoader(trial, samples, self.algorithm.latent, self.device)
        self._cycle = self.algorithm.cycle
        self._numbers: list[object] = []  # at each step of the warm-up
        self._captures: dict[int, Capture] = {}  # by the step's place in the cycle
        self._newest: Capture | None = None
        if self._cycle is None:
            self._do_without("it is not known after how many steps they repeat (Algorithm.cycle)")

    def __call__(self, index: int) -> Scalars:
        seed = seeding.derive("layers", self._trial.seed, index)
        self._newest = self._capture(index, seed)
        with self._stream.turn(seed):
            self._loader.seek(index)
            return self._launch(index) if self._newest is None else self._newest.replay()

    def synchronize(self) -> None:
        self._stream.synchronize()
        if self._newest is not None:
            self._newest.restore_gradients()

    def _capture(self, index: int, seed: int) -> Capture | None:
        """What to replay for a step; None where it is launched kernel by kernel."""
        if self._cycle is None:
            return None
        if len(self._numbers) < max(_WARM_UP, self._cycle):
            self._numbers.append(_numbers(self.algorithm))
            return None
        place = index % self._cycle
        if place not in self._captures:
            self._add_capture(place, index, seed)
        return self._captures.get(place)

    def _add_capture(self, place: int, index: int, seed: int) -> None:
        if any(numbers != self._numbers[0] for numbers in self._numbers):
            self._do_without("they change Python numbers, which a graph would keep fixed")
            return
        networks = self.algorithm.networks().values()
        weights = [weight for network in networks for weight in network.parameters()]
        try:
            with self._stream.turn(seed):
                self._captures[place] = self._stream.capture(lambda: self._launch(index), weights)
        except RuntimeError as problem:
            self._do_without(" ".join(str(problem).split()))

    def _launch(self, index: int) -> Scalars:
        with runtime.autocast(self._trial.precision, self.device.type):
            return self.algorithm.step(self._loader.read(index))

    def _do_without(self, why: str) -> None:
        """From now on all steps are launched kernel by kernel."""
        self._cycle = None
        self._captures.clear()
        self._report(
            f"{self._trial.title}: its steps are launched one by one, not captured as a CUDA "
            f"graph: {why}."
        )


def _numbers(algorithm: Algorithm) -> object:
    """The plain values that the algorithm and its optimisers go by."""
    parts = vars(algorithm)
    optimizers = [part for part in parts.values() if isinstance(part, torch.optim.Optimizer)]
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    return [
        {name: value for name, value in values.items() if isinstance(value, int | float | str)}
        for values in (parts, *groups)
    ]
