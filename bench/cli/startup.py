"""What a process needs before any command: streams that take every character, a home, signals."""

import codecs
import io
import os
import pwd
import signal
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, NoReturn

_READABLE = {"±": "+-", "−": "-", "–": "-", "—": "-", "×": "x", "·": "*", "≥": ">=", "≤": "<=",
             "≠": "!=", "≈": "~", "→": "->", "↑": "^", "↓": "v", "━": "=", "─": "-", "∞": "inf",
             "√": "sqrt ", "Σ": "sum ", "∃": "exists ", "‖": "||", "∇": "grad ", "λ": "lambda",
             "σ": "sigma", "μ": "mu", "α": "alpha", "β": "beta", "ε": "eps",
             "ρ": "rho", "Π": "product "}  # fmt: skip
_STOPPED = "Stopped. Nothing is lost: run the same command again."

received: list[int] = []
"""The signals that asked this process to stop, outside a sweep, which answers them itself."""


def prepare() -> None:
    """Prepare this process, and those that it starts, for any terminal and any user."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    # In a destructor, as in the middle of an import, Python would print a traceback and continue.
    sys.unraisablehook = partial(_not_ignored, sys.unraisablehook)
    _open_streams()
    _encode_everything()
    _configure_libraries()


def _stop(number: int, frame: FrameType | None) -> None:
    """The first signal lets the command tidy up; a second one ends it at once."""
    if received:
        _end_now()
    received.append(number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def end_as_asked() -> NoReturn:
    """End this process as the signal that it received asks."""
    print(_STOPPED, file=sys.stderr)
    sys.exit(128 + received[0])


def _end_now() -> NoReturn:
    os.write(2, f"{_STOPPED}\n".encode())
    os._exit(128 + received[0])


def _not_ignored(usual: Callable[[Any], object], problem: Any) -> None:
    if received:
        _end_now()
    usual(problem)


def _open_streams() -> None:
    """Streams that were closed lead to nothing; else the next file opened would take their place.

    What is printed would then go into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.set_blocking(number, True)  # a pipe may be full for a while
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _encode_everything() -> None:
    """A character that the terminal's encoding lacks is replaced, here and in every child."""
    codecs.register_error("ganbench", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="ganbench")
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if codecs.lookup(encoding).name != "utf-8":
        os.environ["PYTHONIOENCODING"] = f"{encoding}:replace"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """``+-`` for ``±``, ``e`` for ``é``, ``?`` for what has no such form."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_READABLE.get(letter) or _plain(letter) for letter in text), error.end


def _plain(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"


def _configure_libraries() -> None:
    """A container's user may have neither a home nor a name; torch and MLflow ask for both."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        os.environ.setdefault("HOME", tempfile.gettempdir())
        os.environ.setdefault("USER", f"uid-{os.getuid()}")
