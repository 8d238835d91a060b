"""How a trial computes, whoever runs it, and the process as it was afterwards."""

import contextlib
import os
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


@contextlib.contextmanager
def born_single() -> Iterator[None]:
    """Processes started in the block are single-threaded: torch reads this when it is imported."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
