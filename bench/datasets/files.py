"""The four MNIST files: where they lie, their digests, and whether they are the known ones.

Importing this loads nothing heavy.
"""

import gzip
import hashlib
import zlib
from pathlib import Path

from bench import paths, settings
from bench.errors import UserError

DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DIGEST = hashlib.sha256("".join(DIGESTS[name] for name in sorted(DIGESTS)).encode()).hexdigest()
"""Identity of the data set: the sha256 of the four files' digests in the order of their names."""


def folder() -> Path:
    """The folder the four files are read from: ``GANBENCH_DATA``, else the store's.

    Raises:
        UserError: ``GANBENCH_DATA`` names no folder.
    """
    own = paths.given(settings.DATA)
    if own is None:
        return paths.root() / "data" / "mnist"
    if not own.is_dir():
        what = "a file" if own.exists() else "missing"
        raise UserError(
            f"GANBENCH_DATA is {own}, which is {what}: set it to the folder that holds the four "
            "MNIST files, or unset it."
        )
    return own.absolute()


def digest_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def present(path: Path) -> bool:
    """Whether one of the four files is there, as it is or as ``.gz``."""
    return path.is_file() or _packed(path).is_file()


def read(path: Path) -> bytes:
    """The content of one of the four files, from ``.gz`` where only that is there.

    Raises:
        UserError: it is missing, altered or not readable; the sentence says how to get it.
    """
    if not present(path):
        raise UserError(f"{path} is missing: {_remedy()}.")
    try:
        content = path.read_bytes() if path.is_file() else _unpacked(_packed(path))
    except OSError as error:
        raise paths.refused(path, error) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != DIGESTS[path.name]:
        raise UserError(
            f"{path} is not the MNIST file it should be (expected sha256 {DIGESTS[path.name]}, "
            f"found {digest}): {_remedy()}."
        )
    return content


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _unpacked(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be unpacked ({error}): {_remedy()}.") from error


def _remedy() -> str:
    if settings.get(settings.DATA):
        return "put the original file into the folder that GANBENCH_DATA names, or unset it"
    return "run `ganbench data` to fetch it again"
