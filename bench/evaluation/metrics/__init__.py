"""The metrics, one file each: whatever is put into this folder is registered and listed.

A metric is a function of the samples' statistics and the reference, under `@metric`, whose
docstring states ``Formula, Range, Better, Unit, Floor, Source``, one a line::

    @metric(cost="cheap")
    def fid(samples: FeatureStatistics, reference: Reference) -> float: ...
"""

import importlib
import pkgutil

from bench.evaluation.metrics.registry import REGISTRY, Metric, Value, metric

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["REGISTRY", "Metric", "Value", "metric"]
