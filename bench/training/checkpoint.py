"""Checkpoints: a safetensors file and a manifest with its sha256, both written whole or not at all.

Two are kept. A flipped bit loads silently from safetensors, so the digest is what decides whether a
checkpoint is good; a damaged one is set aside and the one before it is used. There is no pickle and
no random state in it: every random stream is derived from (axis, seed, step).
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

    ``report`` is told of each damaged checkpoint, which is renamed to ``*.damaged``.
    """
    found = newest(folder, report)
    if found is None:
        return None
    path, _ = found
    return int(path.stem.rpartition("-")[2]), decoded(path.read_bytes())


def encoded(state: dict[str, Any]) -> bytes:
    """The content of a checkpoint.

    Raises:
        TypeError: something in ``state`` is no tensor and nothing that JSON can hold.
    """
    tensors: dict[str, torch.Tensor] = {}
    skeleton = _take_tensors(state, "state", tensors)
    return safetensors.torch.save(_apart(tensors), metadata={"skeleton": json.dumps(skeleton)})


def decoded(content: bytes) -> dict[str, Any]:
    """The state that `encoded` was given."""
    size = int.from_bytes(content[:8], "little")
    skeleton = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["skeleton"])
    state: dict[str, Any] = _put_tensors(skeleton, safetensors.torch.load(content))
    return state


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """What `decoded` makes of `encoded`, without the bytes in between.

    Raises:
        TypeError: as `encoded`.
    """
    tensors: dict[str, torch.Tensor] = {}
    skeleton = json.loads(json.dumps(_take_tensors(state, "state", tensors)))
    copy: dict[str, Any] = _put_tensors(skeleton, {n: t.clone() for n, t in tensors.items()})
    return copy


def newest(folder: Path, report: Report) -> tuple[Path, Path] | None:
    """The newest good checkpoint's two files, tensors and manifest; reports as `load` does."""
    _drop_torn(folder)
    for manifest in _manifests(folder):
        path = manifest.with_suffix(".safetensors")
        if _good(manifest, path):
            return path, manifest
        report(f"The checkpoint {path} is damaged: it is set aside and the one before it is used.")
        for part in (manifest, path):
            if part.exists():
                part.replace(part.with_name(part.name + ".damaged"))
    return None


def prune(folder: Path) -> None:
    """Remove all checkpoints but the newest two."""
    for old in _manifests(folder)[_KEPT:]:
        _remove(old)


def clear(folder: Path) -> None:
    """Remove all checkpoints of a trial that has ended."""
    _drop_torn(folder)
    for manifest in _manifests(folder):
        _remove(manifest)


def _manifests(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.json"), reverse=True)


def _drop_torn(folder: Path) -> None:
    """Remove what a killed process left behind: half-written files, tensors without a manifest."""
    whole = {manifest.stem for manifest in _manifests(folder)}
    for path in [*folder.glob(".checkpoint-*"), *folder.glob("checkpoint-*.safetensors")]:
        if path.stem not in whole:
            path.unlink()


def _remove(manifest: Path) -> None:
    manifest.unlink()
    manifest.with_suffix(".safetensors").unlink(missing_ok=True)


def _good(manifest: Path, path: Path) -> bool:
    try:
        return bool(json.loads(manifest.read_text())["sha256"] == digest_of(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors with memory of their own: shared weights are refused by safetensors."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if storage in seen else tensor
        seen.add(storage)
    return apart


def _take_tensors(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Replace each tensor by its name; dicts become pairs, because JSON has only string keys."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        pairs = [[k, _take_tensors(v, f"{name}.{k}", tensors)] for k, v in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        return [_take_tensors(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _put_tensors(skeleton: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(skeleton, list):
        return [_put_tensors(value, tensors) for value in skeleton]
    if isinstance(skeleton, dict):
        if "tensor" in skeleton:
            return tensors[skeleton["tensor"]]
        return {key: _put_tensors(value, tensors) for key, value in skeleton["dict"]}
    return skeleton
