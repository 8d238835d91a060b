"""Samples in a folder of PNGs: all of them and all that each shows, or a sentence."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import UserError
from bench.evaluation.sample_files import SUFFIXES, Report, listed

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read(folder: Path, shape: tuple[int, ...], report: Report) -> Tensor:
    """The levels of all PNGs, (N, *shape) uint8, in the order of their names.

    Args:
        folder: hidden files in it are passed over.
        shape: of an image: 1 channel or 3, height, width.
        report: receives a line that names the files that are no images.

    Raises:
        UserError: there are none, one cannot be read whole, or there are other images next to them.
    """
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    files = [e for e in entries if e.suffix.lower() == ".png" and not e.is_dir()]
    others = [entry for entry in entries if entry not in set(files)]
    unread = [entry for entry in others if _holds_images(entry)]
    if unread:
        raise _unread(folder, len(files), unread)
    if not files:
        height, width = shape[1:]
        raise UserError(
            f"There are no PNGs in {folder}: put one {width}×{height} image into each file."
        )
    if others:
        report(f"{folder}: {len(files)} PNGs are measured; left out: {listed(_names(others))}.")
    return torch.stack([_levels(file, shape) for file in files])


def _holds_images(path: Path) -> bool:
    from PIL import Image

    if path.is_dir() or path.suffix in SUFFIXES:
        return True
    try:
        Image.open(path).close()
    except Exception:  # PIL lets out those of zlib, struct and its own of each format
        return False
    return True


def _unread(folder: Path, count: int, unread: Sequence[Path]) -> UserError:
    return UserError(
        f"{folder} holds {count} PNGs and also {listed(_names(unread))}, which would not be "
        "measured: put all images as PNGs directly into one folder, and nothing else."
    )


def _names(paths: Sequence[Path]) -> list[str]:
    return [f"{path.name}/" if path.is_dir() else path.name for path in paths]


def _levels(path: Path, shape: tuple[int, ...]) -> Tensor:
    from PIL import Image

    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            wrong = _wrong(image, content, shape)
            colours = image.convert("RGBA" if image.has_transparency_data else "RGB")
    except Exception as error:  # as above
        raise UserError(f"{path} is not a readable PNG: write it again, or remove it.") from error
    levels = np.array(colours)
    if wrong := wrong or _wrong_levels(levels, grey=shape[0] == 1):
        raise UserError(f"{path} {wrong}.")
    return torch.from_numpy(levels).movedim(-1, 0)[: shape[0]]


def _wrong(image: "Image", content: bytes, shape: tuple[int, ...]) -> str | None:
    """What keeps the picture from being read whole, as pixels of a byte."""
    _, height, width = shape
    form = f"samples are {width}×{height} pixels of 8 bits"
    if image.size != (width, height):
        return f"is {image.size[0]}×{image.size[1]} pixels: {form}"
    if image.mode.startswith("I"):
        return f"is a 16-bit image: {form}"
    frames = max(getattr(image, "n_frames", 1), content.count(_SIGNATURE))
    if frames > 1:
        return f"holds {frames} pictures, and only the first would be read: save each as a file"
    return None


def _wrong_levels(levels: NDArray[np.uint8], grey: bool) -> str | None:
    """The same for the colours (H, W, 3), or with transparency (H, W, 4)."""
    if (levels[..., 3:] < 255).any():
        kind = "grey levels" if grey else "colours"
        return f"is partly transparent: save it in {kind}, without transparency"
    if grey and (levels[..., :3] != levels[..., :1]).any():
        return "is coloured: save it in grey levels"
    return None
