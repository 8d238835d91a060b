"""The metrics, a family a file: whatever is put into this folder is measured and listed.

`bench.evaluation.declarations` says what a metric declares.
"""

from bench.evaluation.declarations import METRICS, Metric, Value, metric

__all__ = ["METRICS", "Metric", "Value", "metric"]
