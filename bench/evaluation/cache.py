"""Things worked out once and kept in the store, under a digest of everything that defines them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from bench import paths

_DIGEST_BYTES = 32


class Cache:
    """One folder of ``<store>/reference/``, named by a digest of ``defined_by``.

    A file that is truncated or altered is worked out again, never used.

    Args:
        defined_by: everything on which the kept values depend: ids, digests, source files.
    """

    def __init__(self, *defined_by: str | Path) -> None:
        digest = hashlib.sha256()
        for part in defined_by:
            content = part.read_bytes() if isinstance(part, Path) else part.encode()
            digest.update(hashlib.sha256(content).digest())
        self._folder = Path("reference") / digest.hexdigest()[:16]

    def tensors(self, name: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """The named tensors, from the store or from ``compute``."""
        path = self._path(f"{name}.safetensors")
        kept = _read(path)
        if kept is not None:
            return safetensors.torch.load(kept)
        made = {key: value.contiguous() for key, value in compute().items()}
        _write(path, safetensors.torch.save(made))
        return made

    def json(self, name: str, compute: Callable[[], Any]) -> Any:
        """The JSON value, from the store or from ``compute``."""
        known = self.known(name)
        if known is not None:
            return known
        made = compute()
        _write(self._path(f"{name}.json"), json.dumps(made, allow_nan=False).encode())
        return made

    def known(self, name: str) -> Any:
        """The JSON value if it is in the store, else None."""
        kept = _read(self._path(f"{name}.json"))
        return None if kept is None else json.loads(kept)

    def _path(self, name: str) -> Path:
        return paths.root() / self._folder / name


def _read(path: Path) -> bytes | None:
    """What was written, if its digest, the file's first 32 bytes, still fits."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise paths.refused(path, error) from error
    digest, kept = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return kept if hashlib.sha256(kept).digest() == digest else None


def _write(path: Path, content: bytes) -> None:
    try:
        with paths.replacing(path) as file:
            file.write(hashlib.sha256(content).digest() + content)
    except OSError as error:
        raise paths.unwritable(path, error) from error
