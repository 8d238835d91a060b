"""Records → statistics → tables, figures and one page, from MLflow and nothing else."""

from bench.comparison.report import Comparison, compare, render

__all__ = ["Comparison", "compare", "render"]
