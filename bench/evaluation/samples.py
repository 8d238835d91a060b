"""Reading images to be measured, from any framework: tensors in files, or folders of PNGs.

Images of C channels are accepted as (N, C, H, W), (N, H, W, C) or (N, C * H * W), grey ones also as
(N, H, W); as uint8 0..255 or as floats in [0, 1] or [-1, 1]. The smallest value decides between the
two float ranges: at -0.5 or below it is [-1, 1], at 0 or above it is [0, 1], and between the two
nobody can tell, so it is refused. A value that is beyond its range by at most `TOLERANCE` is
clipped to it.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench import datasets
from bench.datasets import Dataset, pixels
from bench.errors import UserError
from bench.evaluation import sample_files
from bench.evaluation.sample_files import SUFFIXES, Report, listed

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TOLERANCE = 1e-3
"""So far beyond its range a float may be. Normalising and resizing overshoot by some 1e-6; this is
a quarter of a grey level or less, so that rounding to the grid removes it."""


def read(path: Path, report: Report = lambda line: None, dataset: Dataset | None = None) -> Tensor:
    """Images on the uint8 grid, (N, *shape), N ≥ 2; what is no image stays as it was saved.

    Args:
        path: a .npy, .npz, .pt or .safetensors file, or a folder of PNGs.
        report: receives a line that names what else the file or folder holds.
        dataset: whose form the samples have; by default the usual one.

    Raises:
        UserError: it cannot be read, or is not such images; the sentence says what is wrong.
    """
    dataset = dataset or datasets.get(datasets.DEFAULT)
    images = isinstance(dataset, pixels.ImageDataset)
    if path.is_dir() and not images:
        raise UserError(f"The samples of {dataset.name} are no images, so give a file, not {path}.")
    if path.is_dir():
        array = _pngs(path, dataset.shape, report)
    elif not path.is_file():
        raise UserError(f"There are no samples at {path}: give a file or a folder of PNGs.")
    else:
        array = sample_files.read(path, report)
    return _on_grid(_shaped(array, dataset.shape, dataset.classes, path), path) if images else array


def _on_grid(images: Tensor, where: Path) -> Tensor:
    """Check type and range, and bring images to the uint8 grid."""
    if len(images) < 2:
        raise UserError(
            f"There are {len(images)} images in {where}: a distribution needs at least two, "
            "better 10,000."
        )
    if images.dtype == torch.uint8:
        return _bytes(images, where)
    if not images.is_floating_point():
        raise UserError(
            f"The values of {where} are {str(images.dtype).removeprefix('torch.')}: "
            "save them as uint8 in 0..255, or as floats in [0, 1] or [-1, 1]."
        )
    return _floats(images, where)


def _shaped(array: Tensor, wanted: tuple[int, ...], classes: int, where: Path) -> Tensor:
    """As (N, channels, height, width), from any of the accepted shapes."""
    channels, *size = wanted
    last = (*size, channels)
    accepted = [wanted, last, (math.prod(wanted),), *([tuple(size)] if channels == 1 else [])]
    shape = tuple(array.shape)
    if shape[1:] not in accepted:
        if what := _looks_like(array, wanted, classes):
            raise UserError(f"The shape of {where} is {shape}, which looks like {what}.")
        *others, flat = (f"({', '.join(map(str, ('N', *form)))})" for form in accepted)
        raise UserError(
            f"The shape of {where} is {shape}: images are given as {', '.join(others)} or {flat}."
        )
    if shape[1:] == last:
        array = array.movedim(-1, 1)
    return array.reshape(-1, *wanted)


def _looks_like(array: Tensor, wanted: tuple[int, ...], classes: int) -> str:
    """What else than images, or than their axes in this order, was saved; empty if unknown."""
    shape, (channels, *size) = tuple(array.shape), wanted
    if shape[1:] == (classes,):
        return "labels as one-hot, or logits, and not like images: save what the generator returns"
    if len(shape) == 1 and not array.is_floating_point():
        return "labels and not like images: save what the generator returns"
    if shape[:-1] in ((*size,), wanted, (*size, channels)) and shape[-1] > 3:
        return "images along the last axis: move it to the front with numpy.moveaxis(images, -1, 0)"
    if channels == 1 and shape[1:] in ((3, *size), (*size, 3)):
        return "images in colour: save one of the three channels, or their mean"
    return ""


def _bytes(images: Tensor, where: Path) -> Tensor:
    if images.amax() == 1:
        raise UserError(
            f"The uint8 values of {where} are only 0 and 1, which is almost black in 0..255: "
            "multiply them by 255, or save them as floats."
        )
    return images.contiguous()


def _floats(images: Tensor, where: Path) -> Tensor:
    if not images.isfinite().all():
        count = int((~images.isfinite()).flatten(1).any(1).sum())
        raise UserError(
            f"{count} of the {len(images)} images in {where} hold NaN or infinite values: "
            "leave them out, or correct the generator."
        )
    images = images.float()
    low, high = images.amin().item(), images.amax().item()
    excess = max(high - 1, -1 - low)
    if excess > TOLERANCE:
        raise UserError(
            f"The values of {where} reach from {_exact(low)} to {_exact(high)}, {excess:.2g} "
            "beyond [-1, 1]: rescale floats to [0, 1] or [-1, 1], or save uint8 in 0..255."
        )
    if -0.5 < low < -TOLERANCE:
        raise UserError(
            f"The smallest value of {where} is {_exact(low)}, between -0.5 and 0, so it is unclear "
            "whether [0, 1] or [-1, 1] is meant: clip to that range and save uint8 in 0..255."
        )
    return pixels.to_grid(images if low <= -0.5 else images * 2 - 1)


def _exact(value: float) -> str:
    """A float32 with as many digits as it takes to know it from its neighbours."""
    return str(np.float32(value)).removesuffix(".0")


def _pngs(folder: Path, shape: tuple[int, ...], report: Report) -> Tensor:
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
