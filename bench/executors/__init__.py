"""Which trials remain, who runs them, what one sees meanwhile; this itself loads nothing heavy."""

import os
from collections.abc import Callable
from typing import Literal

Executor = Literal["serial", "streams", "processes", "ray"]
"""Who runs the trials: one of `bench.executors.executors`."""
Stopping = Callable[[], bool]
"""True once a stop was asked for."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
