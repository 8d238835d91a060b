"""How a trial computes, whoever runs it, and the process as it was afterwards."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread, denormal numbers flushed to zero, while the block runs.

    Several trials side by side beat one with several threads, and with one the order of summation,
    so every bit of the result, stays the same. Denormals cost a hundred times a normal number.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
