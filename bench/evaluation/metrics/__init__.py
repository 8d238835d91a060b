"""The metrics, a family a file: whatever is put into this folder is registered and listed.

`bench.evaluation.declarations` says what a metric declares.
"""

import importlib
import pkgutil

from bench.evaluation.declarations import REGISTRY, Metric, Value, metric

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["REGISTRY", "Metric", "Value", "metric"]
