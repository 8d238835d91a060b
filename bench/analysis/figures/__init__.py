"""Every figure in one style: PNG for the page, PDF for a paper; each in a file that registers it.

A file of your own registers one with `figure` and is named with ``--plugin``.
"""

from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import styled

__all__ = ["figure", "styled"]
