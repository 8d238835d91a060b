"""Data sets: what they are, by name, each in a file of its own; and the order of the batches.

Importing this loads nothing heavy.
"""

from bench.datasets.dataset import DEFAULT, Dataset, Samples, get, names, register

__all__ = ["DEFAULT", "Dataset", "Samples", "get", "names", "register"]
