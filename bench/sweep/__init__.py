"""Which trials remain, who runs them, and what one sees meanwhile."""

from typing import Literal

Executor = Literal["serial", "streams", "processes", "ray"]
"""Who runs the trials (`bench.sweep.executors`); importing this loads nothing heavy."""
