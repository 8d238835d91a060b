"""What a number means: frozen digit classifiers, reference statistics, metrics and their floors.

``Ruler`` is loaded on first use, so that ``bench.ruler.identity`` and the tables built on it never
pay for torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.ruler.instrument import Ruler

__all__ = ["Ruler"]


def __getattr__(name: str) -> Any:
    if name == "Ruler":
        from bench.ruler.instrument import Ruler

        return Ruler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
