"""GAN variants: the contract, the registry, and one small file each.

A file with a new variant needs only this module and `bench.nn`.
"""

from bench.variants.contract import Algorithm, Batch, Configuration, Count, Labels, Positive, Share
from bench.variants.gan import GAN
from bench.variants.pair import Pair
from bench.variants.registry import register

__all__ = [
    "GAN",
    "Algorithm",
    "Batch",
    "Configuration",
    "Count",
    "Labels",
    "Pair",
    "Positive",
    "Share",
    "register",
]
