"""What an experiment has in MLflow besides its trials: verdict, page, registered generators."""

from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import paths
from bench.cli.options import say
from bench.redaction import reason
from bench.tracking.addresses import tracking_uri


def how_to_look(name: str) -> str:
    """The command that shows the runs, of this store too where it is not the usual one."""
    import shlex

    if paths.root() != (paths.home() / "results" / ".store").absolute():
        return shlex.join(["ganbench", "ui", name, "--store", str(paths.root())])
    in_checkout = Path(paths.__file__).parent.with_name("Makefile").is_file()
    return "make ui" if in_checkout else "ganbench ui"


def log_report(name: str, comparison: Any, console: Console) -> None:
    """Put verdict and page into MLflow as well; where that fails they are in the folder still."""
    from bench.tracking import report

    pages = [path for path in comparison.files if path.stem in ("index", "table")]
    try:
        said = comparison.diagnosis, comparison.diagnoses.items()
        report.log_report(tracking_uri(), name, comparison.verdict, pages, *said)
    except Exception as error:
        why = reason(error)
        say(console, f"MLflow does not show the verdict ({why}). Everything else is done.")


def register_best(name: str, console: Console) -> None:
    """Register the best generators; where that fails the sweep has ended well still."""
    from bench.tracking.registered_models import register_best_models
    from bench.training import generator

    report = partial(say, console)
    try:
        register_best_models(tracking_uri(), name, generator.load, report)
    except Exception as error:
        why = reason(error)
        report(f"MLflow has not registered the best generators ({why}). Everything else is done.")
