"""The application that commands register with, and the options that they share."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import paths, settings

app = typer.Typer(
    name="ganbench",
    help="Train GAN variants on MNIST over seeds, measure each with one pinned evaluator, "
    "log everything to MLflow, and say which differences are real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def console(*, stderr: bool = False) -> Console:
    """A console that shows text as it is: no brackets or colons in it are taken for markup."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def load_plugins(files: Iterable[Path] | None) -> list[str]:
    """Run each plug-in file; the names of the variants that they registered.

    Raises:
        UserError: a file is missing, fails to run, or registers nothing.
    """
    if not files:
        return []
    from bench.variants import registry

    return [name for file in files for name in registry.load_plugin(file)]


def _use_store(folder: Path | None) -> None:
    if folder is not None:
        os.environ[settings.STORE] = str(folder.absolute())


StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="Folder for everything that is not committed.", metavar="DIR",
                 parser=paths.expanded, callback=lambda value: _use_store(value)),
]  # fmt: skip
ResultsOption = Annotated[
    Path | None,
    typer.Option("--results", help="Folder for tables, figures and page; EXPERIMENT is added.",
                 metavar="DIR", parser=paths.expanded),
]  # fmt: skip
PluginOption = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", parser=paths.expanded,
                 help="Python file with variants, data sets, metrics, figures or executors."),
]  # fmt: skip
ExtractorOption = Annotated[
    Path | None,
    typer.Option("--extractor", help="Python file with your own feature extractor; it is run.",
                 metavar="FILE", parser=paths.expanded),
]  # fmt: skip
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
