"""Giving up in the middle of a measurement, which takes seconds and leaves nothing half done."""

from collections.abc import Callable
from typing import Any

from torch.overrides import TorchFunctionMode


class Stopped(Exception):
    """A stop was asked for; what was being computed is abandoned."""


class Abandoning(TorchFunctionMode):
    """While the block runs, each tensor operation first asks whether to stop.

    So whatever samples or measures, a variant from a plug-in too, ends within one operation of it.

    Args:
        stopping: true once a stop was asked for.

    Raises:
        Stopped: then, from the operation that was about to begin.
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
