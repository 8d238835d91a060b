"""One array of samples out of a .npy, .npz, .pt or .safetensors file; nothing is ever unpickled.

What else a file holds is named, and a file whose rest no library would look at (a
second array behind the first) is refused, so that no part of a set is measured for the whole.
"""

import os
import pickle
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError

Report = Callable[[str], None]
_NAMES = ("images", "samples")
_ZIP_END, _ZIP_END_BYTES = b"PK\5\6", 22


def read(path: Path, report: Report) -> Tensor:
    """The samples as they were saved, of any shape and type.

    Args:
        path: a file of one of `SUFFIXES`.
        report: receives a line that names what else the file holds.

    Raises:
        UserError: it cannot be read, or not as one array.
    """
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise UserError(
            f"Samples in a '{path.suffix}' file ({path}) cannot be read: use "
            f"{', '.join(SUFFIXES)} or a folder of PNGs."
        )
    try:
        return _plain(reader(path, report))
    except UserError:
        raise
    except Exception as error:  # each library has its own kinds; all mean an unreadable file
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path} cannot be read as {path.suffix} ({why}): save the samples again, "
            "as one plain tensor or array of numbers."
        ) from error


def listed(names: Sequence[object], most: int = 5) -> str:
    """``a, b, c``; of many the first few, and how many more there are."""
    head = ", ".join(map(str, names[:most]))
    return f"{head} and {len(names) - most} more" if len(names) > most else head


def _plain(tensor: Tensor) -> Tensor:
    """Floats of a byte become float32, since torch cannot compare them.

    Raises:
        ValueError: a sparse, quantised or nested tensor, or one without content.
    """
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested or tensor.is_meta:
        raise ValueError("a sparse, quantised, nested or empty tensor")
    return tensor.float() if tensor.is_floating_point() and tensor.itemsize == 1 else tensor


def _npy(path: Path, report: Report) -> Tensor:
    with path.open("rb") as file:
        return _array(file, str(path))


def _npz(path: Path, report: Report) -> Tensor:
    if not zipfile.is_zipfile(path):
        raise ValueError("not a zip archive")
    with zipfile.ZipFile(path) as archive:
        _require_nothing_around(archive, path)
        members = archive.namelist()
        arrays = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
        others = [name for name in members if not name.endswith(".npy")]
        name = _chosen(arrays, others, path, report)
        with archive.open(f"{name}.npy") as file:
            return _array(file, f"'{name}' in {path}")


def _array(file: IO[bytes], where: str) -> Tensor:
    """The array, which must be all that is left in the file."""
    array = np.lib.format.read_array(file, allow_pickle=False)
    if file.read(1):
        raise _more_than_one(where)
    if array.dtype.kind not in "uif":
        raise UserError(
            f"The values of {where} are {array.dtype}: save them as uint8 in 0..255, or as "
            "floats in [0, 1] or [-1, 1]."
        )
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))


def _pt(path: Path, report: Report) -> Tensor:
    loaded = _loaded(path)
    if isinstance(loaded, Tensor):
        return loaded.detach()
    if not isinstance(loaded, dict):
        raise UserError(f"{path} holds a {type(loaded).__name__}: save one tensor.")
    tensors = [name for name, value in loaded.items() if isinstance(value, Tensor)]
    others = [name for name in loaded if name not in tensors]
    tensor: Tensor = loaded[_chosen(tensors, others, path, report)]
    return tensor.detach()


def _loaded(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _require_nothing_around(archive, path)
    try:
        with path.open("rb") as file:
            loaded = torch.load(file, weights_only=True, map_location="cpu")
            rest = b"" if zipfile.is_zipfile(path) else file.read(1)
    except pickle.UnpicklingError as error:
        raise _not_only_tensors(path, str(error)) from error
    if rest:
        raise _more_than_one(str(path))
    return loaded


def _not_only_tensors(path: Path, why: str) -> Exception:
    """The reason without torch's advice, which is to unpickle whatever the file holds."""
    named = re.search(r"GLOBAL (\S+)", why)
    if not named:
        return ValueError("not a file that torch.save wrote, or a damaged one")
    return UserError(
        f"{path} holds Python objects ({named[1]}), and only tensors are read: save one tensor, "
        "for a NumPy array with torch.save(torch.from_numpy(array), path)."
    )


def _safetensors(path: Path, report: Report) -> Tensor:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensor: Tensor = file.get_tensor(_chosen(list(file.keys()), [], path, report))
    return tensor


_READERS: dict[str, Callable[[Path, Report], Tensor]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".pt": _pt,
    ".safetensors": _safetensors,
}
SUFFIXES = tuple(_READERS)


def _chosen(arrays: list[Any], others: list[Any], path: Path, report: Report) -> Any:
    """The name of the only array, or of the one that is called images or samples."""
    chosen = arrays if len(arrays) == 1 else [name for name in arrays if name in _NAMES]
    if len(chosen) != 1:
        raise UserError(
            f"{path} holds {len(arrays)} arrays ({listed(arrays) or 'none'}): save one, "
            "or call just one of them 'images'."
        )
    left_out = [name for name in (*arrays, *others) if name != chosen[0]]
    if left_out:
        report(f"Only '{chosen[0]}' of {path} is measured; left out: {listed(left_out)}.")
    return chosen[0]


def _require_nothing_around(archive: zipfile.ZipFile, path: Path) -> None:
    """Bytes before a zip archive or behind it, such as a second one, are passed over by readers."""
    first = min((member.header_offset for member in archive.infolist()), default=0)
    with path.open("rb") as file:
        file.seek(-_ZIP_END_BYTES - len(archive.comment), os.SEEK_END)
        ends = file.read(len(_ZIP_END)) == _ZIP_END
    if first or not ends:
        raise _more_than_one(str(path))


def _more_than_one(where: str) -> UserError:
    return UserError(
        f"There is more in {where} than the one array that would be read: save all samples as "
        "one array, in a file of its own."
    )
