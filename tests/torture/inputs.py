"""Inputs that nobody meant: experiment files, ``-o`` values, files of samples."""

import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.errors import UserError
from bench.evaluation import samples
from bench.trials import experiment as experiments

_KEYS = ("variants", "seeds", "budget", "batch", "evaluations", "samples", "description", "variant")
_WORDS = st.sampled_from(
    [
        "quick",
        "wgan",
        "mlp_bce",
        "spectral_norm",
        "lr",
        "clip",
        "n_critic",
        "latent",
        "dropout",
        "seed",
        "name",
        "text",
        "..",
        "/",
        "inf",
        "nan",
        "-inf",
        "1e999",
        "0",
        "-1",
        "1",
        "100",
        "64000",
        "true",
        "[]",
        "{}",
        "''",
        '""',
        "0x",
        "1_0",
        "07:32:00",
        "2020-01-01",
        "é",
        "\u202e",
        "\x00",
    ]
)
_WHOLE = st.integers() | st.integers(min_value=-5, max_value=100_000)
_HUGE = st.integers(min_value=1, max_value=6000).map(lambda digits: "0x" + "f" * digits)
_VALUES = st.recursive(
    _WORDS
    | _HUGE
    | _WHOLE.map(str)
    | st.floats().map(repr)
    | st.text(max_size=8).map(lambda text: f'"{text}"')
    | st.sampled_from(["[" * 3000, "5" * 5000, '"""', "#"]),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda parts: f"[{', '.join(parts)}]")
        | st.dictionaries(_WORDS, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{k} = {v}" for k, v in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
_GOOD = 'variants = ["wgan"]\nseeds = 2\nbudget = 640\n'
_LINES = st.tuples(st.sampled_from(_KEYS) | _WORDS, _VALUES).map(" = ".join)
_FILES = st.lists(_LINES | st.just("[variant.wgan]") | st.text(max_size=20), max_size=6).map(
    "\n".join
).flatmap(lambda text: st.sampled_from([text, _GOOD + text])).map(
    lambda text: text.encode("utf-8", "surrogatepass")
) | st.binary(max_size=60)
_OPTIONS = st.lists(
    st.tuples(
        st.sampled_from([*_KEYS, "wgan.clip", "wgan.lr", "variant.wgan", "wgan.", "."])
        | _WORDS
        | st.text(max_size=5),
        st.sampled_from(["=", "=", "=", "", "=="]),
        _VALUES | st.text(max_size=300),
    ).map("".join),
    max_size=3,
)
_SEEDS = (
    st.none()
    | _WORDS
    | st.text(max_size=10)
    | st.lists(_WHOLE, max_size=4).map(lambda seeds: ",".join(map(str, seeds)))
)


def experiment_file(content: bytes, folder: Path) -> None:
    path = folder / "mine.toml"
    path.write_bytes(content)
    _tried(lambda: experiments.load(str(path)))


def options(overrides: list[str], seeds: str | None, folder: Path) -> None:
    path = folder / "mine.toml"
    path.write_text(_GOOD)
    _tried(lambda: experiments.select(experiments.load(str(path), overrides), ["wgan"], seeds))


def _tried(load: Callable[[], experiments.Experiment]) -> None:
    try:
        found = load()
        trials = found.trials()
    except UserError as refusal:
        _one_sentence(refusal)
        return
    assert 0 < len({trial.key for trial in trials}) == len(trials)
    assert "/" not in found.name
    assert len(found.name.encode()) <= 200


def _one_sentence(refusal: UserError) -> None:
    assert str(refusal).rstrip()[-1] in ".?", str(refusal)


_SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 28]), max_size=3).map(tuple) | st.sampled_from(
    [(3, 28, 28), (2, 1, 28, 28), (2, 28, 28, 1), (4, 784), (1, 784), (784,), (1, 1, 1, 1, 1)]
)
_NUMPY = st.sampled_from(
    [
        "u1",
        "u2",
        "i1",
        "i8",
        "f2",
        "f4",
        "f8",
        ">f4",
        "f16",
        "c8",
        "b1",
        "U3",
        "S2",
        "M8[s]",
        "O",
        "V3",
    ]
)
_TORCH = st.sampled_from(
    [torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
     torch.bool, torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16]
)  # fmt: skip
_LEVELS = st.sampled_from([0.0, 1.0, -1.0, 255.0, 0.5, -0.2, float("nan"), float("inf"), 1e30])


@st.composite
def _npy(draw: st.DrawFn) -> tuple[str, bytes]:
    array = _array(draw)
    file = io.BytesIO()
    if draw(st.booleans()):
        np.save(file, array, allow_pickle=True)
        return ".npy", file.getvalue()
    names = draw(st.lists(st.sampled_from(["images", "samples", "x"]), max_size=3, unique=True))
    np.savez(file, **dict.fromkeys(names, array))  # type: ignore[arg-type]
    return ".npz", file.getvalue()


def _array(draw: st.DrawFn) -> Any:
    shape, kind, level = draw(_SHAPES), draw(_NUMPY), draw(_LEVELS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NaN as a whole number
        array = np.zeros(shape, kind)
        if array.dtype.kind in "uif":
            array += np.asarray(level).astype(array.dtype)
    return array


@st.composite
def _pt(draw: st.DrawFn) -> tuple[str, bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantised and nested tensors are going away
        tensor = _tensor(draw)
    wrapped = draw(st.sampled_from([tensor, {"images": tensor}, {"a": tensor, 1: tensor},
                                    [tensor], {}, None, "text", {"images": 3}]))  # fmt: skip
    file = io.BytesIO()
    torch.save(wrapped, file, _use_new_zipfile_serialization=draw(st.booleans()))
    return ".pt", file.getvalue()


def _tensor(draw: st.DrawFn) -> Any:
    dtype = draw(_TORCH)
    dense = torch.full(draw(_SHAPES), draw(_LEVELS)).nan_to_num(posinf=1e30).to(dtype)
    special = draw(st.sampled_from(["dense", "dense", "sparse", "meta", "quantised", "nested"]))
    if special == "sparse" and dtype == torch.float32:
        return dense.to_sparse() if dense.ndim else dense
    if special == "meta":
        return dense.to("meta")
    if special == "quantised" and dtype == torch.float32:
        return torch.quantize_per_tensor(dense, 0.1, 0, torch.quint8)
    if special == "nested" and dtype == torch.float32:
        return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    return dense


@st.composite
def _safetensors(draw: st.DrawFn) -> tuple[str, bytes]:
    dense = torch.full(draw(_SHAPES), draw(_LEVELS)).to(draw(_TORCH))
    names = draw(st.lists(st.sampled_from(["images", "x"]), max_size=2, unique=True))
    return ".safetensors", safetensors.torch.save({name: dense.clone() for name in names})


@st.composite
def _png(draw: st.DrawFn) -> tuple[str, bytes]:
    mode = draw(st.sampled_from(["L", "RGB", "RGBA", "P", "1", "I;16", "LA"]))
    size = draw(st.sampled_from([(28, 28), (28, 28), (1, 1), (28, 29)]))
    file = io.BytesIO()
    Image.new(mode, size).save(file, "PNG")
    return ".png", file.getvalue()


_SUFFIXES = st.sampled_from([".npy", ".npz", ".pt", ".safetensors", ".png", ".txt", ""])
_IMAGES = st.one_of(
    _npy(), _pt(), _safetensors(), _png(), st.tuples(_SUFFIXES, st.binary(max_size=200))
)


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file as written, or cut, or with a few bytes changed, or under another name."""
    suffix, content = draw(_IMAGES)
    mangled = bytearray(content)
    for place in draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=4)):
        mangled[place : place + 1] = bytes([draw(st.integers(0, 255))])
    if draw(st.booleans()):
        mangled = mangled[: draw(st.integers(0, len(mangled)))]
    return draw(st.sampled_from([suffix] * 5) | _SUFFIXES), bytes(mangled)


def sample_file(suffix: str, content: bytes, folder: Path) -> None:
    path = folder / f"samples{suffix}"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and PIL about what they read
        _read(path if suffix != ".png" else folder)
    path.unlink()


def _read(path: Path) -> None:
    try:
        images = samples.read(path)
    except UserError as refusal:
        _one_sentence(refusal)
        return
    assert images.dtype == torch.uint8
    assert images.shape[1:] == (1, 28, 28)


_KINDS: dict[str, tuple[Callable[..., None], st.SearchStrategy[tuple[Any, ...]]]] = {
    "experiment files": (experiment_file, st.tuples(_FILES)),
    "values of -o and --seeds": (options, st.tuples(_OPTIONS, _SEEDS)),
    "files of samples": (sample_file, _IMAGES | _damaged()),
}
KINDS = tuple(_KINDS)


def throw(kind: str, count: int) -> int:
    """Try about ``count`` inputs of a kind; how many it were. Any exception is a failure."""
    attempt, strategy = _KINDS[kind]
    thrown = 0
    with tempfile.TemporaryDirectory() as folder:

        @settings(max_examples=count, deadline=None, database=None, derandomize=True,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(strategy)
        def one(thing: tuple[Any, ...]) -> None:
            nonlocal thrown
            thrown += 1
            attempt(*thing, Path(folder))

        one()
    return thrown
