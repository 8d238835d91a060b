"""How a trial computes, whoever runs it, and the process as it was afterwards."""

import contextlib
from collections.abc import Iterator

import torch

from bench import settings
from bench.errors import UserError

_MIB = 2**20


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


def available(precision: str, device: str = "cpu") -> bool:
    """Whether this machine computes in it."""
    if device == "cuda":
        return torch.cuda.is_available() and (
            precision == "fp32" or torch.cuda.is_bf16_supported(including_emulation=False)
        )
    return precision == "fp32" or _processor_has_bf16()


def _processor_has_bf16() -> bool:
    """Whether oneDNN takes bf16 here: it asks for AVX-512 or AVX-NE-CONVERT on x86, bf16 on ARM."""
    has = torch.cpu.get_capabilities()
    avx512 = all(has.get(f"avx512_{part}", False) for part in ("bw", "dq", "vl"))
    enough = avx512 or has.get("avx_ne_convert", False) or has.get("bf16", False)
    return bool(enough and torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def require(precision: str, device: str = "cpu") -> None:
    """Refuse a trial that this machine cannot compute.

    Raises:
        UserError: there is no such device here, or it computes in no such precision.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "There is no CUDA device that this torch can use: leave device at cpu, or train on a "
            "machine with an NVIDIA GPU."
        )
    if not available(precision, device):
        named = {"cpu": "This processor", "cuda": "This GPU"}[device]
        raise UserError(
            f"{named} does not compute in bf16: leave precision at fp32, which every machine has, "
            "or train on another machine."
        )


def autocast(precision: str, device: str = "cpu") -> contextlib.AbstractContextManager[object]:
    """Matrix products in fp32 or bf16 while the block runs; weights and optimisers are fp32.

    That is mixed precision as in Micikevicius et al. 2018, without loss scaling, which bf16 with
    its range of fp32 has no need of.
    """
    if precision == "fp32":
        return contextlib.nullcontext()
    # A cached copy of a weight would be old once the optimiser has moved it within the block.
    return torch.autocast(device, torch.bfloat16, cache_enabled=False)


WORKER_ENV = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Gradients come and go with every step. By default glibc gives their pages back to the system
    # each time, and a tenth of a step goes into getting them again.
    "MALLOC_TRIM_THRESHOLD_": str(1024 * _MIB),
    "MALLOC_MMAP_THRESHOLD_": str(32 * _MIB),
}
"""The environment of a process that trains: torch reads it when imported, glibc at the start."""


def worker_env() -> contextlib.AbstractContextManager[None]:
    """Processes started in the block are single-threaded and keep the memory that steps free."""
    return settings.temporarily(WORKER_ENV)
