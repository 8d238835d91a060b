"""Samples from anywhere: every accepted form gives the same images, all else a sentence."""

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

from bench.datasets import Dataset, pixels
from bench.errors import UserError
from bench.evaluation import samples

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
        (torch.zeros(12, 3, 28, 28), "looks like images in colour: save one of"),
        (IMAGES[:, 0].permute(1, 2, 0), "looks like images along the last axis: move it"),
        (IMAGES.permute(1, 2, 3, 0), "looks like images along the last axis: move it"),
        (torch.eye(10), "looks like labels as one-hot, or logits, and not like images"),
        (torch.arange(10), "looks like labels and not like images: save what the generator"),
        (torch.tensor(3.0), r"shape of .* is \(\)"),
        (IMAGES[:1], "There are 1 images in .* at least two"),
        (IMAGES[:0], "There are 0 images in .* at least two"),
        (IMAGES.int(), "are int32: save them as uint8"),
        (IMAGES.float(), r"reach from 0 to 255, 2.5e\+02 beyond \[-1, 1\]: rescale floats"),
        (UNIT * 3 - 1.5, r"reach from -1.5 to 1.5, 0.5 beyond \[-1, 1\]: rescale"),
        (UNIT * 1.1 - 0.1, r"smallest value of .* is -0.1, between -0.5 and 0, so it is unclear"),
        (UNIT - 0.49999997, r"smallest value of .* is -0.49999997, between -0.5 and 0"),
        (UNIT * 1.00101, r"reach from 0 to 1.00101, 0.001 beyond \[-1, 1\]"),
        (UNIT * 2.00202 - 1.00202, r"reach from -1.00202 to .*, 0.002 beyond"),
        (UNIT * 1.002 - 0.002, r"smallest value of .* is -0.002, between"),
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
    _refused(tmp_path / "a.pt", r"holds Python objects \(getattr\), and only tensors are read")
    for name in ("a.npy", "a.npz"):
        _refused(tmp_path / name, r"cannot be read as \.")
    assert not sprung.exists()


def test_files_with_several_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=IMAGES.numpy(), y=IMAGES.numpy())
    _refused(tmp_path / "a.npz", r"holds 2 arrays \(x, y\): save one, or call just one of them")
    torch.save({}, tmp_path / "a.pt")
    _refused(tmp_path / "a.pt", r"holds 0 arrays \(none\)")
    torch.save([IMAGES], tmp_path / "a.pt")
    _refused(tmp_path / "a.pt", "holds a list: save one tensor")


def _over(path: Path, *contents: bytes) -> Path:
    path.write_bytes(b"".join(contents))
    return path


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def _old(file: io.BytesIO) -> None:
    torch.save(IMAGES, file, _use_new_zipfile_serialization=False)


ONE_FILE = [
    (".npy", lambda file: np.save(file, IMAGES.numpy())),
    (".npz", lambda file: np.savez(file, images=IMAGES.numpy())),
    (".pt", lambda file: torch.save(IMAGES, file)),
    (".pt", _old),
]


@pytest.mark.parametrize(("suffix", "save"), ONE_FILE)
def test_what_stands_behind_the_array_is_not_passed_over(
    suffix: str, save: Callable[[io.BytesIO], object], tmp_path: Path
) -> None:
    path, content = tmp_path / f"a{suffix}", _saved(save)
    _assert_read(_over(path, content))
    for rest in (content, b"\n"):
        _refused(_over(path, content, rest), "There is more in .* than the one array")


def test_several_archives_through_one_handle(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as file:
        np.savez(file, images=IMAGES.numpy())
        np.savez(file, images=IMAGES.numpy())
    _refused(tmp_path / "a.npz", "There is more in .* than the one array")


@pytest.mark.parametrize("contents", [(2, "There is more in 'images' in"), (1, "holds 2 arrays")])
def test_arrays_hidden_in_an_archive(contents: tuple[int, str], tmp_path: Path) -> None:
    arrays, why = contents
    member = _saved(lambda file: np.save(file, IMAGES.numpy())) * arrays
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the name that is there twice
        for _ in range(3 - arrays):
            archive.writestr("images.npy", member)
    _refused(tmp_path / "a.npz", why)


def _reported(path: Path) -> list[str]:
    lines: list[str] = []
    assert torch.equal(samples.read(path, lines.append), IMAGES)
    return lines


def test_what_stands_beside_the_images_is_named(tmp_path: Path) -> None:
    known = {"images": IMAGES, "more": IMAGES[:3].clone()}
    torch.save({**known, "epoch": 3, **dict.fromkeys("abcd", 0)}, tmp_path / "a.pt")
    (line,) = _reported(tmp_path / "a.pt")
    assert line.startswith("Only 'images' of ")
    assert line.endswith("a.pt is measured; left out: more, epoch, a, b, c and 1 more.")
    safetensors.torch.save_file(known, tmp_path / "a.safetensors")
    assert _reported(tmp_path / "a.safetensors")[0].endswith("left out: more.")
    assert _reported(_npz(tmp_path, IMAGES))[0].endswith("left out: labels.")
    assert _reported(_npy(tmp_path, IMAGES)) == []


def test_an_array_of_objects_beside_the_images_is_left_alone(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = np.array([_Trap(sprung)], dtype=object)
    np.savez(tmp_path / "a.npz", images=IMAGES.numpy(), about=trap)
    assert _reported(tmp_path / "a.npz")[0].endswith("left out: about.")
    assert not sprung.exists()


@pytest.mark.parametrize("saved", [IMAGES.numpy(), {"images": IMAGES.numpy()}, Path("x")])
def test_what_is_no_tensor_in_a_pt_file(saved: object, tmp_path: Path) -> None:
    torch.save(saved, tmp_path / "a.pt")
    _refused(
        tmp_path / "a.pt",
        r"holds Python objects \((numpy|pathlib)\S+\), and only tensors are read: save one tensor, "
        r"for a NumPy array with torch\.save\(torch\.from_numpy\(array\), path\)",
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_rounding_error_beyond_the_range_is_clipped(dtype: type, tmp_path: Path) -> None:
    unit = (IMAGES.numpy() / 255).astype(dtype)
    one = dtype(1)
    for images in (unit, 2 * unit - one):
        low, high = images == images.min(), images == one
        assert low.any()
        assert high.any()
        images[high] = np.nextafter(one, dtype(2))
        images[low] -= np.nextafter(one, dtype(2)) - one
        assert images.min() < (0 if images is unit else -1)
        read = samples.read(_npy(tmp_path, torch.from_numpy(images)))
        assert (read.int() - IMAGES.int()).abs().max() <= (1 if dtype == np.float16 else 0)


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


def _folder(path: Path, count: int = 12) -> Path:
    path.mkdir(exist_ok=True)
    for index in range(count):
        Image.fromarray(IMAGES[index, 0].numpy()).save(path / f"{index:03}.png")
    return path


def test_files_that_are_no_images_are_named_and_hidden_ones_are_not(tmp_path: Path) -> None:
    (_folder(tmp_path) / "notes.txt").write_text("not an image")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert _reported(tmp_path) == [f"{tmp_path}: 12 PNGs are measured; left out: notes.txt."]


@pytest.mark.parametrize("name", ["a.jpg", "a.gif", "a"])
def test_images_of_another_kind_beside_pngs(name: str, tmp_path: Path) -> None:
    kind = {"a.jpg": "JPEG", "a.gif": "GIF", "a": "PNG"}[name]
    Image.fromarray(IMAGES[0, 0].numpy()).save(_folder(tmp_path, 5) / name, format=kind)
    _refused(tmp_path, f"holds 5 PNGs and also {name}, which would not be measured: put all")


def test_folders_and_arrays_beside_pngs(tmp_path: Path) -> None:
    for digit in range(7):
        _folder(tmp_path / str(digit), 1)
    _refused(tmp_path, "holds 0 PNGs and also 0/, 1/, 2/, 3/, 4/ and 2 more, which would not")
    linked = _folder(tmp_path / "linked", 2)
    (linked / "more").symlink_to(tmp_path / "0")
    _refused(linked, "holds 2 PNGs and also more/")
    _npy(_folder(tmp_path / "mixed", 2), IMAGES)
    _refused(tmp_path / "mixed", r"holds 2 PNGs and also a\.npy")


def _levels(mode: str, alpha: np.ndarray) -> Image.Image:
    white = Image.new(mode.removesuffix("A"), (28, 28), "white")
    white.putalpha(Image.fromarray(alpha))
    return white


def test_a_picture_in_the_transparency(tmp_path: Path) -> None:
    alpha = IMAGES[0, 0].numpy()
    grey = Image.fromarray(alpha)
    for image, options in (
        (_levels("RGBA", alpha), {}),
        (_levels("LA", alpha), {}),
        (grey.convert("P"), {"transparency": bytes(range(256))}),
        (grey, {"transparency": int(alpha[0, 0])}),
    ):
        image.save(tmp_path / "0.png", **options)
        _refused(tmp_path, r"0\.png is partly transparent: save it in grey levels")


def test_transparency_that_hides_nothing(tmp_path: Path) -> None:
    for index in range(12):
        grey = Image.fromarray(IMAGES[index, 0].numpy())
        grey.convert("RGBA").save(tmp_path / f"{index:03}.png")
    _assert_read(tmp_path)


def test_several_pictures_in_one_file(tmp_path: Path) -> None:
    first, *rest = [Image.fromarray(image.numpy()) for image in IMAGES[:3, 0]]
    for kind in ("PNG", "GIF"):
        first.save(tmp_path / "0.png", format=kind, save_all=True, append_images=rest)
        _refused(tmp_path, r"0\.png holds 3 pictures, and only the first would be read: save each")
    first.save(tmp_path / "0.png")
    content = (tmp_path / "0.png").read_bytes()
    _over(tmp_path / "0.png", content, content)
    _refused(tmp_path, r"0\.png holds 2 pictures")


def test_a_broken_png(tmp_path: Path) -> None:
    Image.fromarray(IMAGES[0, 0].numpy()).save(tmp_path / "0.png")
    whole = (tmp_path / "0.png").read_bytes()
    for content in (whole[: len(whole) // 2], b""):
        (tmp_path / "0.png").write_bytes(content)
        _refused(tmp_path, "is not a readable PNG")


class _Coloured(pixels.ImageDataset):
    """Stands in for a data set of colour images; only its shape is asked for."""

    name, shape = "coloured", (3, 4, 5)
    split = evaluator = None  # type: ignore[assignment]


COLOURED = torch.randint(
    0, 256, (6, 3, 4, 5), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
)


@pytest.mark.parametrize("array", [COLOURED, COLOURED.movedim(1, -1), COLOURED.flatten(1)])
def test_images_of_another_data_set(array: Tensor, tmp_path: Path) -> None:
    assert torch.equal(samples.read(_npy(tmp_path, array), dataset=_Coloured()), COLOURED)


def test_coloured_pngs_of_another_size(tmp_path: Path) -> None:
    for index, image in enumerate(COLOURED):
        Image.fromarray(image.movedim(0, -1).numpy()).save(tmp_path / f"{index}.png")
    assert torch.equal(samples.read(tmp_path, dataset=_Coloured()), COLOURED)
    _refused(tmp_path, "is 5×4 pixels: samples are 28×28")


def test_the_shapes_of_another_data_set_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        samples.read(_npy(tmp_path, IMAGES), dataset=_Coloured())
    assert str(caught.value).endswith(
        "is (12, 1, 28, 28): images are given as (N, 3, 4, 5), (N, 4, 5, 3) or (N, 60)."
    )


class _Points(Dataset):
    """Stands in for a data set of points."""

    name, shape = "points", (2,)
    split = encode = decode = evaluator = draw = None  # type: ignore[assignment]


def test_what_is_no_image_stays_as_it_was_saved(tmp_path: Path) -> None:
    points = torch.randn(7, 2)
    assert torch.equal(samples.read(_npy(tmp_path, points), dataset=_Points()), points)
    with pytest.raises(UserError, match="The samples of points are no images, so give a file"):
        samples.read(tmp_path, dataset=_Points())
