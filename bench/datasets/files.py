"""The files of a data set: where they lie, whether they are the known ones, how to get them."""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import paths, settings
from bench.datasets.dataset import Report
from bench.errors import UserError

_LONGEST_REASON = 1000  # characters


def digest_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reason(error: Exception) -> str:
    """The whole of what an error says, in one line and within bounds."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} …"


@dataclass(frozen=True)
class Files:
    """Files with known content, in the store or in the folder that ``GANBENCH_DATA`` names.

    Attributes:
        title: the data set in sentences.
        name: of the folder in the store.
        digests: the sha256 of each file, by its name. It may lie there as ``.gz`` as well.
        ways: what fetches all files into a scratch folder and returns the folder that they are in,
            by what it is called; each is tried after the one before it has failed.
    """

    title: str
    name: str
    digests: Mapping[str, str]
    ways: Mapping[str, Callable[[Path], Path]]

    @property
    def digest(self) -> str:
        """The sha256 of the files' digests in the order of their names."""
        digests = "".join(self.digests[name] for name in sorted(self.digests))
        return hashlib.sha256(digests.encode()).hexdigest()

    def folder(self) -> Path:
        """The folder that the files are read from.

        Raises:
            UserError: ``GANBENCH_DATA`` names no folder.
        """
        own = paths.given(settings.DATA)
        if own is None:
            return paths.root() / "data" / self.name
        if not own.is_dir():
            what = "a file" if own.exists() else "missing"
            raise UserError(
                f"{settings.DATA} is {own}, which is {what}: set it to the folder that holds the "
                f"files of {self.title}, or unset it."
            )
        return own.absolute()

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            UserError: it is missing, altered or not readable; the sentence says how to get it.
        """
        path = self.folder() / name
        if not _present(path):
            raise UserError(f"{path} is missing: {self._remedy()}.")
        try:
            content = (
                path.read_bytes() if path.is_file() else gzip.decompress(_gz(path).read_bytes())
            )
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UserError(
                f"{_gz(path)} cannot be unpacked ({error}): {self._remedy()}."
            ) from error
        except OSError as error:
            raise paths.refused(path, error) from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.digests[name]:
            raise UserError(
                f"{path} is not the {self.title} file it should be (expected sha256 "
                f"{self.digests[name]}, found {digest}): {self._remedy()}."
            )
        return content

    def ensure(self, report: Report = print, *, refetch: bool = False) -> Path:
        """As `bench.datasets.Dataset.ensure`; returns the folder."""
        folder = self.folder()
        wrong = [name for name in self.digests if self._problem(name)]
        # Only the store's own folder is ours to fill, and only a missing file without being asked.
        ours = not settings.get(settings.DATA)
        if wrong and ours and (refetch or not _present(folder / wrong[0])):
            self._fetch(wrong, folder, report)
        for name in wrong:
            if problem := self._problem(name):
                raise problem
        return folder

    def _problem(self, name: str) -> UserError | None:
        try:
            self.read(name)
        except UserError as problem:
            return problem
        return None

    def _fetch(self, names: list[str], folder: Path, report: Report) -> None:
        """Try one way after the other, whatever goes wrong with one of them.

        A proxy in between may answer anything, and each library has errors of its own for that.
        """
        paths.check(folder)
        tried: list[str] = []
        for way, download in self.ways.items():
            report(f"Fetching {self.title} through {way} …")
            try:
                with tempfile.TemporaryDirectory(prefix="ganbench-") as scratch:
                    source = download(Path(scratch))
                    content = {name: (source / name).read_bytes() for name in names}
                    for name in names:
                        if hashlib.sha256(content[name]).hexdigest() != self.digests[name]:
                            raise RuntimeError(
                                f"{name} came with another sha256 than the known one"
                            )
            except Exception as error:
                tried.append(f"{way} ({reason(error)})")
            else:
                return _install(content, folder)
        raise UserError(
            f"{self.title} could not be fetched; tried {'; '.join(tried)}: connect to the network, "
            f"or put its files ({', '.join(self.digests)}; each may end in .gz) into a folder and "
            f"set {settings.DATA} to it."
        )

    def _remedy(self) -> str:
        if settings.get(settings.DATA):
            return f"put the original file into the folder that {settings.DATA} names, or unset it"
        return f"run `ganbench data {self.name}` to fetch it again"


def _present(path: Path) -> bool:
    return path.is_file() or _gz(path).is_file()


def _gz(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _install(content: Mapping[str, bytes], target: Path) -> None:
    """Write verified files only, each under its final name in one rename."""
    for name, data in content.items():
        try:
            with paths.replacing(target / name) as file:
                file.write(data)
        except OSError as error:
            raise paths.unwritable(target / name, error) from error
