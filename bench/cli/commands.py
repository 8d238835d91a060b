"""All commands, registered with the application in the order of --help."""

from bench.cli import running, verifying, measuring, records, listing, new, speed  # noqa: I001
from bench.cli.options import app

__all__ = ["app", "listing", "measuring", "new", "records", "running", "speed", "verifying"]
