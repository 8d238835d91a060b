"""All commands, registered with the application in the order of --help."""

from bench.cli import running, records, scoring, measuring, listing, new, speed  # noqa: I001
from bench.cli.options import app

__all__ = ["app", "listing", "measuring", "new", "records", "running", "scoring", "speed"]
