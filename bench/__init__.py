"""ganbench: GAN variants on MNIST over seeds, one pinned evaluator, and which differences are real.

``load_results`` and ``load_curves`` are loaded on first use, so that importing this stays fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.analysis.frames import load_curves, load_results

__version__ = "0.1.0"
__all__ = ["load_curves", "load_results"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("bench.analysis.frames"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
