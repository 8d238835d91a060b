"""Records → statistics → tables, figures and one page, from MLflow and nothing else."""

from bench.analysis.report import Comparison, compare, render

__all__ = ["Comparison", "compare", "render"]
