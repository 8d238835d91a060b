"""Checkpoints: a safetensors file and a manifest with its sha256, both written whole or not at all.

Two are kept. A flipped bit loads silently from safetensors, so the digest decides whether a
checkpoint is good; a damaged one is set aside and the one before it is used. There is no pickle and
no random state in it: every random stream is derived from (purpose, seed, step).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from bench import paths
from bench.datasets.files import digest_of

_KEPT = 2

Report = Callable[[str], None]


def save(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write the checkpoint of ``step`` and drop all but the newest two."""
    path = folder / f"checkpoint-{step:09d}.safetensors"
    with paths.replacing(path) as file:
        file.write(encoded(state))
    with paths.replacing(path.with_suffix(".json"), "w") as file:
        json.dump({"step": step, "sha256": digest_of(path)}, file)
    prune(folder)


def load(folder: Path, report: Report) -> tuple[int, dict[str, Any]] | None:
    """The newest good checkpoint as (step, state), or None where there is none.

    ``report`` gets a line for each damaged checkpoint, which is renamed to ``*.damaged``.
    """
    files = newest(folder, report)
    if files is None:
        return None
    return int(files[0].stem.rpartition("-")[2]), decoded(files[0].read_bytes())


def newest(folder: Path, report: Report) -> tuple[Path, Path] | None:
    """The newest good checkpoint's two files, tensors and manifest; reports as `load` does."""
    prune(folder)
    for manifest in _manifests(folder):
        path = manifest.with_suffix(".safetensors")
        if _good(manifest, path):
            return path, manifest
        report(f"The checkpoint {path} is damaged: it is set aside and the one before it is used.")
        for part in (manifest, path):
            if part.exists():
                part.replace(part.with_name(part.name + ".damaged"))
    return None


def prune(folder: Path, keep: int = _KEPT) -> None:
    """Remove all checkpoints but the newest, and what a killed process left behind: half-written
    files, tensors without a manifest."""
    for manifest in _manifests(folder)[keep:]:
        manifest.unlink()
    whole = {manifest.stem for manifest in _manifests(folder)}
    for path in [*folder.glob(".checkpoint-*"), *folder.glob("checkpoint-*.safetensors")]:
        if path.stem not in whole:
            path.unlink()


def clear(folder: Path) -> None:
    """Remove all checkpoints of a trial that has ended."""
    prune(folder, keep=0)


def _manifests(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.json"), reverse=True)


def _good(manifest: Path, path: Path) -> bool:
    try:
        return bool(json.loads(manifest.read_text())["sha256"] == digest_of(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def encoded(state: dict[str, Any]) -> bytes:
    """The content of a checkpoint: the tensors, and the rest of ``state`` as JSON in the header.

    Raises:
        TypeError: something in ``state`` is no tensor and nothing that JSON can hold.
    """
    tensors: dict[str, torch.Tensor] = {}
    skeleton = json.dumps(_without_tensors(state, "state", tensors))
    return safetensors.torch.save(tensors, metadata={"skeleton": skeleton})


def decoded(content: bytes) -> dict[str, Any]:
    """The state that `encoded` was given."""
    size = int.from_bytes(content[:8], "little")
    skeleton = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["skeleton"])
    state: dict[str, Any] = _with_tensors(skeleton, safetensors.torch.load(content))
    return state


def _without_tensors(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Replace each tensor by its name; dicts become pairs, because JSON has only string keys."""
    if isinstance(value, torch.Tensor):
        # A copy, because safetensors refuses two names for one memory, as shared weights have.
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        pairs = value.items()
        return {"dict": [[k, _without_tensors(v, f"{name}.{k}", tensors)] for k, v in pairs]}
    if isinstance(value, list | tuple):
        return [_without_tensors(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _with_tensors(skeleton: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(skeleton, list):
        return [_with_tensors(value, tensors) for value in skeleton]
    if isinstance(skeleton, dict):
        if "tensor" in skeleton:
            return tensors[skeleton["tensor"]]
        return {key: _with_tensors(value, tensors) for key, value in skeleton["dict"]}
    return skeleton
