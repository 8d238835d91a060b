"""The commands. Each one imports what it needs when it runs, so that ``--help`` answers at once."""

import sys  # noqa: I001  commands are imported in the order of --help

from bench.cli import running, measuring, records, listing
from bench.cli.options import app
from bench.errors import UserError

__all__ = ["app", "listing", "main", "measuring", "records", "running"]


def main() -> None:
    """Run a command; a `UserError` is one sentence on stderr and exit status 1."""
    try:
        app()
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
