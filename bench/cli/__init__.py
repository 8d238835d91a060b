"""The commands. Each one imports what it needs when it runs, so that ``--help`` answers at once."""

import signal  # noqa: I001  commands are imported in the order of --help
import sys
from pathlib import Path
from types import FrameType

from bench.cli import running, verifying, measuring, records, listing, speed
from bench import store
from bench.cli.options import app
from bench.errors import UserError
from bench.redaction import redact

__all__ = ["app", "listing", "main", "measuring", "records", "running", "speed", "verifying"]


def main() -> None:
    """Run a command; a `UserError` is one sentence on stderr and exit status 1.

    So is what the system refuses anywhere, a full disk first of all.
    """
    signal.signal(signal.SIGTERM, _leave)  # the default would leave half-written files behind
    try:
        app()
    except UserError as error:
        _fail(error)
    except OSError as error:
        if error.errno is None or isinstance(error, ConnectionError):
            raise
        _fail(store.unwritable(Path(error.filename or store.root()), error))
    except MemoryError:
        _fail(UserError("Out of memory: use fewer --workers, then run the same command again."))
    except KeyboardInterrupt:
        sys.exit(130)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _fail(error: UserError) -> None:
    print(f"Error: {redact(str(error))}", file=sys.stderr)
    sys.exit(1)
