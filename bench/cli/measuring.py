"""`calibrate`, `classifier` and `data`: the evaluator and what it is made of."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import paths
from bench.cli.options import (
    DatasetOption,
    JsonOption,
    PluginOption,
    StoreOption,
    app,
    load_plugins,
    path_option,
)
from bench.datasets import DEFAULT


def short(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def apart(line: str) -> None:
    """What is no result goes where it does not mix with one."""
    print(line, file=sys.stderr)


@app.command()
def calibrate(
    dataset: DatasetOption = DEFAULT,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    store: StoreOption = None,
) -> None:
    """Show what each metric says of known sets of samples.

    Example: ganbench calibrate --json
    """
    from bench import datasets
    from bench.evaluation import Evaluator

    load_plugins(plugin)
    datasets.get(dataset).ensure(apart)
    rows = Evaluator.load(dataset).calibration()
    if as_json:
        return print(json.dumps(rows, allow_nan=False))
    _print_transposed(rows)


def _print_transposed(rows: list[dict[str, Any]]) -> None:
    """One line a metric and one column a row: there are more metrics than a terminal is wide."""
    from rich.table import Table

    names = dict.fromkeys(name for row in rows for name in row if name != "row")
    grid = Table("metric", *(row["row"] for row in rows), box=None)
    for name in names:
        values = [row.get(name, "") for row in rows]
        grid.add_row(name, *(short(value) for value in values))
    Console(width=None if sys.stdout.isatty() else 200).print(grid, markup=False)


@app.command()
def classifier(
    network: Annotated[
        str, typer.Option(help="digits (the evaluator's) or alternative.")
    ] = "digits",
    out: Annotated[Path | None, path_option("--out", "FILE", "Write the weights to FILE.")] = None,
    store: StoreOption = None,
) -> None:
    """Train a digit classifier from scratch.

    The pinned classifier stays as it is.

    Example: ganbench classifier --network digits --out digits.safetensors
    """
    from bench import datasets
    from bench.evaluation import recipe

    datasets.get(DEFAULT).ensure(print)
    path = out or paths.root() / "classifiers" / f"{network}.safetensors"
    done = recipe.retrain(network, path, print)
    print(
        f"{path}: {done.accuracy:.2f} % of the test images, errors by digit "
        f"{done.errors}, sha256 {done.sha256}"
    )


@app.command()
def data(
    name: Annotated[str, typer.Argument(help="A data set of `ganbench list datasets`.")] = DEFAULT,
    plugin: PluginOption = None,
    store: StoreOption = None,
) -> None:
    """Check the files of a data set; fetch what is missing or altered.

    Example: GANBENCH_DATA=/media/mnist ganbench data mnist
    """
    from bench import datasets

    load_plugins(plugin)
    dataset = datasets.get(name)
    print(f"{dataset.ensure(print, refetch=True)} The data set's sha256 is {dataset.digest}.")
