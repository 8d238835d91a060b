"""Running a user's file as a module, from a given text, and the process as it was afterwards."""

import contextlib
import importlib.util
import signal
import sys
from collections.abc import Iterator
from importlib.abc import SourceLoader
from pathlib import Path

import torch

from bench.errors import UserError
from bench.variants import code


class _Text(SourceLoader):
    """Imports a text as if it were what ``path`` holds."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path, self._content = str(path), content

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str | bytes) -> bytes:
        return self._content if path == self._path else Path(str(path)).read_bytes()


def text(path: Path) -> str:
    """What a plug-in file holds.

    Raises:
        UserError: there is no such Python file, or it is not UTF-8.
    """
    if not path.exists():
        raise UserError(f"The plug-in file {path} does not exist: check the path.")
    if not path.is_file() or path.suffix != ".py":
        raise UserError(f"The plug-in {path} is not a Python file: its name must end in .py.")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"The plug-in file {path} is not UTF-8 text ({error}): save it as UTF-8."
        ) from error


def execute(module: str, path: Path, content: str) -> None:
    """Run ``content`` as the module of that name; what it prints goes to stderr.

    Raises:
        UserError: it fails, or calls ``sys.exit``.
    """
    loader = _Text(path, content.encode())
    spec = importlib.util.spec_from_file_location(module, path, loader=loader)
    assert spec is not None
    before = set(sys.modules)
    sys.modules[module] = importlib.util.module_from_spec(spec)
    code.imported(module, content.encode())
    try:
        with _process_kept():
            loader.exec_module(sys.modules[module])
        code.remember_neighbours(module, before)
    except BaseException as error:
        sys.modules.pop(module, None)
        if isinstance(error, UserError | KeyboardInterrupt) or _stopped(error):
            raise
        raise _sentence(path, error) from error


def _stopped(error: BaseException) -> bool:
    """Whether it is `bench.cli` that leaves, because of a signal."""
    return isinstance(error, SystemExit) and error.code == 128 + signal.SIGTERM


def _sentence(path: Path, error: BaseException) -> UserError:
    if isinstance(error, SystemExit):
        return UserError(
            f"The plug-in file {path} calls sys.exit when it is imported: put everything but "
            'definitions below `if __name__ == "__main__":`, then run the same command again.'
        )
    return UserError(
        f"The plug-in file {path} failed to load ({_short(error)}): fix it and run the same "
        "command again."
    )


def _short(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


@contextlib.contextmanager
def _process_kept() -> Iterator[None]:
    """What a file may set for the whole process at its import is set back after the block.

    Torch's number of threads and its default dtype would change the bits of every other variant.
    """
    argv, arguments = sys.argv, list(sys.argv)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    try:
        with contextlib.chdir("."), contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv, argv[:] = argv, arguments
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
