"""Samples from anywhere: every accepted form gives the same images, all else a sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

from bench.data import pixels
from bench.errors import UserError
from bench.ruler import samples

IMAGES = torch.randint(
    0, 256, (12, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
)


def _npy(path: Path, array: Tensor) -> Path:
    np.save(path / "a.npy", array.numpy())
    return path / "a.npy"


def _npz(path: Path, array: Tensor) -> Path:
    np.savez_compressed(path / "a.npz", images=array.numpy(), labels=np.arange(3))
    return path / "a.npz"


def _pt(path: Path, array: Tensor) -> Path:
    torch.save(array, path / "a.pt")
    return path / "a.pt"


def _pt_dict(path: Path, array: Tensor) -> Path:
    torch.save({"samples": array, "epoch": 3}, path / "a.pt")
    return path / "a.pt"


def _safetensors(path: Path, array: Tensor) -> Path:
    safetensors.torch.save_file({"fakes": array.contiguous()}, path / "a.safetensors")
    return path / "a.safetensors"


WRITERS = [_npy, _npz, _pt, _pt_dict, _safetensors]
Writer = Callable[[Path, Tensor], Path]


def _assert_read(path: Path) -> None:
    got = samples.read(path)
    assert got.dtype == torch.uint8
    assert torch.equal(got, IMAGES)


@pytest.mark.parametrize("write", WRITERS)
def test_every_kind_of_file(write: Writer, tmp_path: Path) -> None:
    _assert_read(write(tmp_path, IMAGES))


@pytest.mark.parametrize("shape", [(12, 28, 28), (12, 1, 28, 28), (12, 28, 28, 1), (12, 784)])
def test_every_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    _assert_read(_npy(tmp_path, IMAGES.reshape(shape)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("signed", [True, False])
def test_both_float_ranges(dtype: torch.dtype, signed: bool, tmp_path: Path) -> None:
    unit = IMAGES.to(dtype) / 255
    _assert_read(_npy(tmp_path, unit * 2 - 1 if signed else unit))


def test_half_precision_in_both_libraries(tmp_path: Path) -> None:
    halves = pixels.to_float(IMAGES).half()
    assert (samples.read(_npy(tmp_path, halves)).int() - IMAGES.int()).abs().max() <= 1
    coarse = samples.read(_pt(tmp_path, pixels.to_float(IMAGES).bfloat16()))
    assert (coarse.int() - IMAGES.int()).abs().max() <= 2


def test_a_big_endian_array(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", (IMAGES.numpy() / 255).astype(">f4"))
    _assert_read(tmp_path / "a.npy")


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_folder_of_pngs_in_the_order_of_their_names(mode: str, tmp_path: Path) -> None:
    for index in reversed(range(12)):
        image = Image.fromarray(IMAGES[index, 0].numpy()).convert(mode)
        image.save(tmp_path / f"{index:03}.png")
    (tmp_path / "notes.txt").write_text("not an image")
    _assert_read(tmp_path)


def _refused(path: Path, why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        samples.read(path)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


UNIT = IMAGES.float() / 255


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (IMAGES[:, :, :14], r"shape of .* is \(12, 1, 14, 28\): images are given as"),
        (torch.zeros(12, 3, 28, 28), "shape of"),
        (torch.tensor(3.0), r"shape of .* is \(\)"),
        (IMAGES[:1], "There are 1 images in .* at least two"),
        (IMAGES[:0], "There are 0 images in .* at least two"),
        (IMAGES.int(), "are int32: save them as uint8"),
        (IMAGES.float(), r"reach from 0 to 255: rescale floats"),
        (UNIT * 3 - 1.5, r"reach from -1.5 to 1.5: rescale"),
        (UNIT * 1.1 - 0.1, r"smallest value of .* is -0.1, so .* cannot be told apart"),
        (UNIT.where(UNIT < 0.999, torch.nan), r"of the 12 images in .* hold NaN or infinite"),
        (UNIT.where(UNIT < 0.999, torch.inf), "NaN or infinite"),
        ((IMAGES > 127).to(torch.uint8), "only 0 and 1, .* multiply them by 255"),
        (IMAGES > 127, "are bool: save them as uint8"),
    ],
)
def test_images_that_are_refused(array: Tensor, why: str, tmp_path: Path) -> None:
    _refused(_npy(tmp_path, array), why)


def test_torch_types_that_are_refused(tmp_path: Path) -> None:
    _refused(_pt(tmp_path, IMAGES.long()), "are int64: save them as uint8")
    _refused(_pt(tmp_path, UNIT.to(torch.complex64)), "are complex64")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not what it says it is, at some length" * 9])
def test_unreadable_files(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    _refused(tmp_path / name, r"cannot be read as \.")


@pytest.mark.parametrize("write", WRITERS)
def test_truncated_files(write: Writer, tmp_path: Path) -> None:
    path = write(tmp_path, IMAGES)
    path.write_bytes(path.read_bytes()[:-900])
    _refused(path, r"cannot be read as \.")


class _Trap:
    """Unpickling this would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save(_Trap(sprung), tmp_path / "a.pt")
    np.save(tmp_path / "a.npy", np.array([_Trap(sprung)], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", images=np.array([_Trap(sprung)], dtype=object))
    for name in ("a.pt", "a.npy", "a.npz"):
        _refused(tmp_path / name, r"cannot be read as \.")
    assert not sprung.exists()


def test_files_with_several_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=IMAGES.numpy(), y=IMAGES.numpy())
    _refused(tmp_path / "a.npz", r"holds 2 arrays \(x, y\): save one, or call one of them")
    torch.save({}, tmp_path / "a.pt")
    _refused(tmp_path / "a.pt", r"holds 0 arrays \(none\)")
    torch.save([IMAGES], tmp_path / "a.pt")
    _refused(tmp_path / "a.pt", "holds a list: save one tensor")


def test_places_without_samples(tmp_path: Path) -> None:
    _refused(tmp_path / "nowhere.npy", "There are no samples at")
    _refused(tmp_path, "There are no PNGs in")
    (tmp_path / "a.mat").write_bytes(b"x")
    _refused(tmp_path / "a.mat", r"Samples in a '\.mat' file .* use \.npy, \.npz, \.pt")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (Image.new("L", (32, 28)), "is 32×28 pixels: samples are 28×28"),
        (Image.new("RGB", (28, 28), (9, 9, 200)), "is coloured: save it in grey"),
        (Image.new("I;16", (28, 28)), "is a 16-bit image"),
    ],
)
def test_pngs_that_are_refused(image: Image.Image, why: str, tmp_path: Path) -> None:
    image.save(tmp_path / "0.png")
    _refused(tmp_path, why)


def test_a_broken_png(tmp_path: Path) -> None:
    Image.fromarray(IMAGES[0, 0].numpy()).save(tmp_path / "0.png")
    whole = (tmp_path / "0.png").read_bytes()
    for content in (whole[: len(whole) // 2], b""):
        (tmp_path / "0.png").write_bytes(content)
        _refused(tmp_path, "is not a readable PNG")
