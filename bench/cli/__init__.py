"""The commands. Each one imports what it needs when it runs, so that ``--help`` answers at once."""

import errno
import os
import signal
import socket
import sys

from bench import paths
from bench.cli import startup
from bench.errors import FEWER_WORKERS, OUT_OF_MEMORY, UserError
from bench.redaction import redact


def main() -> None:
    """Run a command; a `UserError` is one sentence on stderr and exit status 1.

    So is what the system refuses anywhere, a full disk first of all. Ctrl-C ends any command with
    a sentence and exit status 130, and SIGTERM with 143.
    """
    try:
        startup.prepare()
        _run()
    except SystemExit as end:
        if end.code and startup.received:
            startup.end_as_asked()
        raise
    except BaseException:
        if startup.received:  # a library that was being imported may make any error of a signal
            startup.end_as_asked()
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # while Python puts itself away
            signal.signal(number, lambda received, frame: os._exit(128 + received))


def _run() -> None:
    try:
        from bench.cli.commands import app  # here, so that Ctrl-C is answered while it is imported

        try:
            app()
        finally:
            sys.stdout.flush()
    except UserError as error:
        _fail(error)
    except OSError as error:
        _fail(_refusal(error))
    except MemoryError:
        _fail(UserError(OUT_OF_MEMORY))


def _refusal(error: OSError) -> UserError:
    """The sentence for what the system refused; an error that is none of its is raised again."""
    if error.filename is None and not _printable():
        return UserError(f"Cannot write the output ({error.strerror}): send it to another place.")
    if error.errno == errno.ENOMEM:
        return UserError(OUT_OF_MEMORY)
    if error.errno == errno.EAGAIN:
        return UserError(f"The system starts no more processes ({error.strerror}): {FEWER_WORKERS}")
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return UserError(f"A connection failed ({error}): check the network, then try again.")
    if error.errno is None:
        raise error
    return paths.refused(paths.root(), error)


def _printable() -> bool:
    """Whether stdout takes a line: an error in writing does not say which file it was."""
    try:
        os.write(1, b"\n")
    except OSError:
        sys.stdout = sys.stderr  # or Python would try again when it ends
        return False
    return True


def _fail(error: UserError) -> None:
    print(f"Error: {redact(str(error))}", file=sys.stderr)
    sys.exit(1)
