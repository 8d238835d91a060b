"""What a number means: frozen digit classifiers, reference statistics, metrics and their floors.

``Evaluator`` is loaded on first use, so that ``bench.evaluation.identity`` and the tables built on
it never pay for torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.evaluation.evaluator import Evaluator

__all__ = ["Evaluator"]


def __getattr__(name: str) -> Any:
    if name == "Evaluator":
        from bench.evaluation.evaluator import Evaluator

        return Evaluator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
