"""Reading images to be measured, from any framework: tensors in files, or folders of PNGs.

Accepted are (N, 28, 28), (N, 1, 28, 28), (N, 28, 28, 1) and (N, 784), as uint8 0..255 or as floats
in [0, 1] or [-1, 1]. The two float ranges are told apart by their smallest value: at -0.5 or below
it is [-1, 1], at 0 or above it is [0, 1], and between the two nobody can tell, so it is refused.
Nothing is ever unpickled.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.data import pixels
from bench.errors import UserError

_SHAPES = "(N, 28, 28), (N, 1, 28, 28), (N, 28, 28, 1) or (N, 784)"
_NAMES = ("images", "samples")


def read(path: Path) -> Tensor:
    """Images on the uint8 grid, (N, 1, 28, 28), N ≥ 2.

    Args:
        path: a .npy, .npz, .pt or .safetensors file, or a folder of 28×28 PNGs.

    Raises:
        UserError: it cannot be read, or is not such images; the sentence says what is wrong.
    """
    if path.is_dir():
        array = _pngs(path)
    elif not path.is_file():
        raise UserError(f"There are no samples at {path}: give a file or a folder of PNGs.")
    else:
        array = _tensor(path)
    return on_grid(array, str(path))


def on_grid(array: Tensor, where: str = "the samples") -> Tensor:
    """Check shape, type and range, and bring images to the uint8 grid, (N, 1, 28, 28).

    Raises:
        UserError: as for `read`; ``where`` names the samples in the sentence.
    """
    images = _shaped(array, where)
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


def _shaped(array: Tensor, where: str) -> Tensor:
    shape = tuple(array.shape)
    if shape[1:] in {(28, 28), (1, 28, 28), (28, 28, 1), (784,)}:
        return array.reshape(-1, 1, 28, 28)
    raise UserError(f"The shape of {where} is {shape}: images are given as {_SHAPES}.")


def _bytes(images: Tensor, where: str) -> Tensor:
    if images.amax() == 1:
        raise UserError(
            f"The uint8 values of {where} are only 0 and 1, which is almost black in 0..255: "
            "multiply them by 255, or save them as floats."
        )
    return images.contiguous()


def _floats(images: Tensor, where: str) -> Tensor:
    if not images.isfinite().all():
        count = int((~images.isfinite()).flatten(1).any(1).sum())
        raise UserError(
            f"{count} of the {len(images)} images in {where} hold NaN or infinite values: "
            "leave them out, or mend the generator."
        )
    images = images.float()
    low, high = images.amin().item(), images.amax().item()
    if low < -1 or high > 1:
        raise UserError(
            f"The values of {where} reach from {low:.4g} to {high:.4g}: rescale floats to [0, 1] "
            "or [-1, 1], or save uint8 in 0..255."
        )
    if -0.5 < low < 0:
        raise UserError(
            f"The smallest value of {where} is {low:.4g}, so [0, 1] and [-1, 1] cannot be told "
            "apart: clip to the range that is meant and save uint8 in 0..255."
        )
    return pixels.to_grid(images if low < 0 else images * 2 - 1)


def _tensor(path: Path) -> Tensor:
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise UserError(
            f"Samples in a '{path.suffix}' file ({path}) cannot be read: use "
            f"{', '.join(_READERS)} or a folder of PNGs."
        )
    try:
        return _plain(reader(path))
    except UserError:
        raise
    except Exception as error:  # each library has its own kinds; all mean an unreadable file
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path} cannot be read as {path.suffix} ({why}): save the samples again, "
            "as one plain tensor or array of numbers."
        ) from error


def _plain(tensor: Tensor) -> Tensor:
    """Floats of a byte become float32, since torch cannot compare them.

    Raises:
        ValueError: a sparse, quantised or nested tensor, or one without content.
    """
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested or tensor.is_meta:
        raise ValueError("a sparse, quantised, nested or empty tensor")
    return tensor.float() if tensor.is_floating_point() and tensor.itemsize == 1 else tensor


def _numpy(array: Any) -> Tensor:
    if array.dtype.kind not in "uif":
        raise UserError(
            f"The values of the array are {array.dtype}: save them as uint8 in 0..255, or as "
            "floats in [0, 1] or [-1, 1]."
        )
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))


def _npy(path: Path) -> Tensor:
    return _numpy(np.load(path, allow_pickle=False))


def _npz(path: Path) -> Tensor:
    if not zipfile.is_zipfile(path):
        raise ValueError("not a zip archive")
    with np.load(path, allow_pickle=False) as archive:
        return _numpy(_the_one({name: archive[name] for name in archive.files}, path))


def _pt(path: Path) -> Tensor:
    loaded = torch.load(path, weights_only=True, map_location="cpu")
    if isinstance(loaded, Tensor):
        return loaded.detach()
    if not isinstance(loaded, dict):
        raise UserError(f"{path} holds a {type(loaded).__name__}: save one tensor.")
    tensors = {name: value for name, value in loaded.items() if isinstance(value, Tensor)}
    return torch.as_tensor(_the_one(tensors, path)).detach()


def _safetensors(path: Path) -> Tensor:
    import safetensors.torch

    return torch.as_tensor(_the_one(safetensors.torch.load_file(path), path))


_READERS: dict[str, Callable[[Path], Tensor]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".pt": _pt,
    ".safetensors": _safetensors,
}


def _the_one(named: dict[str, Any], path: Path) -> Any:
    """The only array, or the one that is called images or samples."""
    chosen = list(named) if len(named) == 1 else [name for name in _NAMES if name in named]
    if len(chosen) != 1:
        raise UserError(
            f"{path} holds {len(named)} arrays ({', '.join(map(str, named)) or 'none'}): save one, "
            "or call one of them 'images'."
        )
    return named[chosen[0]]


def _pngs(folder: Path) -> Tensor:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".png")
    if not files:
        raise UserError(f"There are no PNGs in {folder}: put one 28×28 image into each file.")
    return torch.stack([_png(file) for file in files])


def _png(path: Path) -> Tensor:
    from PIL import Image

    try:
        with Image.open(path) as image:
            levels = np.array(image if image.mode in {"L", "RGB"} else image.convert("RGB"))
            mode, size = image.mode, image.size
    except Exception as error:  # PIL lets out those of zlib, struct and its own of each format
        raise UserError(f"{path} is not a readable PNG: write it again, or remove it.") from error
    if size != (28, 28) or mode.startswith("I"):
        what = "a 16-bit image" if mode.startswith("I") else f"{size[0]}×{size[1]} pixels"
        raise UserError(f"{path} is {what}: samples are 28×28 pixels of 8 bits.")
    if levels.ndim == 3:
        if (levels != levels[..., :1]).any():
            raise UserError(f"{path} is coloured: save it in grey levels.")
        levels = levels[..., 0]
    return torch.from_numpy(levels)
