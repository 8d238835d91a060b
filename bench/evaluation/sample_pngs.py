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


def read(folder: Path, report: Report) -> Tensor:
    """The grey levels of all PNGs, (N, 28, 28) uint8, in the order of their names.

    Args:
        folder: hidden files in it are passed over.
        report: receives a line that names the files that are no images.

    Raises:
        UserError: there are none, one cannot be read whole, or there are other images beside them.
    """
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    files = [e for e in entries if e.suffix.lower() == ".png" and not e.is_dir()]
    others = [entry for entry in entries if entry not in set(files)]
    unread = [entry for entry in others if _holds_images(entry)]
    if unread:
        raise _unread(folder, len(files), unread)
    if not files:
        raise UserError(f"There are no PNGs in {folder}: put one 28×28 image into each file.")
    if others:
        report(f"{folder}: {len(files)} PNGs are measured; left out: {listed(_names(others))}.")
    return torch.stack([_grey(file) for file in files])


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


def _grey(path: Path) -> Tensor:
    from PIL import Image

    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            wrong = _wrong(image, content)
            colours = image.convert("RGBA" if image.has_transparency_data else "RGB")
    except Exception as error:  # as above
        raise UserError(f"{path} is not a readable PNG: write it again, or remove it.") from error
    levels = np.array(colours)
    if wrong := wrong or _wrong_levels(levels):
        raise UserError(f"{path} {wrong}.")
    return torch.from_numpy(levels[..., 0])


def _wrong(image: "Image", content: bytes) -> str | None:
    """What keeps the picture from being read whole, as 28×28 pixels of a byte."""
    if image.size != (28, 28):
        return f"is {image.size[0]}×{image.size[1]} pixels: samples are 28×28 pixels of 8 bits"
    if image.mode.startswith("I"):
        return "is a 16-bit image: samples are 28×28 pixels of 8 bits"
    frames = max(getattr(image, "n_frames", 1), content.count(_SIGNATURE))
    if frames > 1:
        return f"holds {frames} pictures, and only the first would be read: save each as a file"
    return None


def _wrong_levels(levels: NDArray[np.uint8]) -> str | None:
    """The same for the colours (28, 28, 3), or with transparency (28, 28, 4)."""
    if (levels[..., 3:] < 255).any():
        return "is partly transparent: save it in grey levels, without transparency"
    if (levels[..., :3] != levels[..., :1]).any():
        return "is coloured: save it in grey levels"
    return None
