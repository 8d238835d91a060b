"""A GPU as one trial sees it: a stream and random numbers of its own, and captured work."""

import contextlib
import gc
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.training.step import Scalars

_MODE = "thread_local"
"""What other threads ask of the GPU during a capture does no harm to it."""


class Stream:
    """One trial's part of a GPU; trials in other streams run at the same time, undisturbed.

    Whatever is begun here is only surely done after `synchronize`. How the whole process computes
    is pinned: no TF32, and only kernels that give the same bits every time.
    """

    def __init__(self) -> None:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        # The first steps of an optimiser that can be captured are not.
        warnings.filterwarnings("ignore", message=".*capturable=True")
        self.device = torch.device("cuda", torch.cuda.current_device())
        self._default = torch.cuda.default_generators[self.device.index]
        self._begin()

    def _begin(self) -> None:
        self._stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        self._random = self._default.clone_state()

    @contextlib.contextmanager
    def turn(self, seed: int) -> Iterator[None]:
        """Work of the block goes to this stream; its random numbers begin at ``seed``."""
        self._default.graphsafe_set_state(self._random)
        self._random.manual_seed(seed)
        torch.default_generator.manual_seed(seed)
        with torch.cuda.stream(self._stream):
            yield

    def capture(self, work: Callable[[], Scalars], weights: Sequence[Tensor]) -> "Capture":
        """Capture ``work``, which leaves the gradients of ``weights``, without doing it.

        Within a `turn`, and after ``work`` was done once: what is allocated or chosen the first
        time must not be part of the graph.

        Raises:
            RuntimeError: it waits for the GPU or does other things that no graph can hold. The
                stream is usable from the next turn on.
        """
        graph = torch.cuda.CUDAGraph()
        # What Python would collect meanwhile may be another trial's graph, which ends the capture.
        collecting = gc.isenabled()
        gc.disable()
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode=_MODE):
                scalars = work()
                row = torch.stack([value.to(torch.float32) for value in scalars.values()])
        except RuntimeError as problem:
            self._begin()  # so that nothing of the broken capture clings to the stream
            raise RuntimeError(str(_first(problem))) from problem
        finally:
            if collecting:
                gc.enable()
        return Capture(graph, tuple(scalars), row, weights)

    def synchronize(self) -> None:
        """Wait until all that was begun in the stream is done."""
        self._stream.synchronize()


def _first(problem: BaseException) -> BaseException:
    """The error that broke the capture, and not the one that says that it is broken."""
    while problem.__context__ is not None:
        problem = problem.__context__
    return problem


class Capture:
    """Captured work. What it returns and the gradients it leaves lie in memory of its own.

    The graph writes the named scalars into ``row``, (scalars,), and leaves the gradients of
    ``weights`` where they are now.
    """

    def __init__(
        self, graph: Any, names: Sequence[str], row: Tensor, weights: Sequence[Tensor]
    ) -> None:
        self._graph, self._names, self._row = graph, names, row
        self._gradients = [(weight, weight.grad) for weight in weights]

    def replay(self) -> Scalars:
        """Do the work once more; the scalars are the caller's to keep."""
        self._graph.replay()
        return dict(zip(self._names, self._row.clone().unbind(), strict=True))

    def restore_gradients(self) -> None:
        """Put the gradients of the last `replay` where they are looked for."""
        for weight, gradient in self._gradients:
            weight.grad = gradient
