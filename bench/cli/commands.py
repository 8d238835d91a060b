"""All commands, registered with the application in the order of --help."""

from bench.cli import running, verifying, measuring, records, listing, speed  # noqa: I001
from bench.cli.options import app

__all__ = ["app", "listing", "measuring", "records", "running", "speed", "verifying"]
