"""The application that commands register with, and the options that they share."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import paths, settings

app = typer.Typer(
    name="ganbench",
    help="Train GAN variants over seeds, measure each with one pinned evaluator, "
    "log everything to MLflow, and say which differences are real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def console(*, stderr: bool = False) -> Console:
    """A console that shows text as it is: no brackets or colons in it are taken for markup."""
    stream = sys.stderr if stderr else sys.stdout
    # Notebooks ask for colours (FORCE_COLOR) in a pipe too, where a live table would fill pages.
    terminal = None if stream.isatty() else False
    return Console(
        stderr=stderr, markup=False, emoji=False, highlight=False, force_terminal=terminal
    )


def say(console: Console, text: str) -> None:
    """Print a text as it is, its lines at their whole length."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


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


def path_option(
    name: str, metavar: str, help: str, callback: Callable[[Any], None] | None = None
) -> Any:
    """An option that takes a path, in which ``~`` is replaced."""
    return typer.Option(name, metavar=metavar, help=help, parser=paths.expanded, callback=callback)


StoreOption = Annotated[
    Path | None,
    path_option(
        "--store",
        "DIR",
        "Folder of data, trials and records. Default: results/.store.",
        lambda folder: _use_store(folder),
    ),
]
ResultsOption = Annotated[
    Path | None,
    path_option("--results", "DIR", "Write tables, figures and page to DIR/EXPERIMENT."),
]
PluginOption = Annotated[
    list[Path] | None,
    path_option(
        "--plugin",
        "FILE",
        "Run this Python file: it adds variants, data sets, metrics, figures or executors.",
    ),
]
DatasetOption = Annotated[
    str, typer.Option(metavar="NAME", help="A data set of `ganbench list datasets`.")
]
ExtractorOption = Annotated[
    Path | None,
    path_option("--extractor", "FILE", "Run this Python file: it is your own feature extractor."),
]
VariantsOption = Annotated[
    str | None, typer.Option(help="Take only these variants, e.g. wgan,mlp_bce.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Trials at the same time. Default: one for each core; 16 in streams on a GPU."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
