"""`score`, `calibrate`, `classifier` and `data`: the evaluator and what it is made of."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import paths
from bench.cli.options import (
    DatasetOption,
    ExtractorOption,
    JsonOption,
    PluginOption,
    StoreOption,
    app,
    load_plugins,
    path_option,
)
from bench.datasets import DEFAULT


@app.command()
def score(
    samples: Annotated[
        Path,
        typer.Argument(
            help="A .npy, .npz, .pt or .safetensors file, or a folder of PNGs.",
            metavar="SAMPLES",
            parser=paths.expanded,
        ),
    ],
    dataset: DatasetOption = DEFAULT,
    as_json: JsonOption = False,
    extractor: ExtractorOption = None,
    plugin: PluginOption = None,
    store: StoreOption = None,
) -> None:
    """Measure samples from anywhere with the pinned evaluator of a data set.

    Images are uint8 in 0..255, or float in [0, 1] or in [-1, 1]. Next to each number stands its
    floor: what the same number of real samples gets.

    Example: ganbench score samples.npy --json
    """
    from bench import datasets
    from bench.evaluation import Evaluator
    from bench.evaluation import samples as reading

    load_plugins(plugin)
    known = datasets.get(dataset)
    content = reading.read(samples, _apart, known)
    known.ensure(_apart)
    evaluator = Evaluator.from_file(extractor, known) if extractor else Evaluator.load(dataset)
    measurement = evaluator.score(content, final=True)
    # An extractor of the user's own may take half an hour for what real images get.
    floor = {} if extractor else evaluator.floor(measurement.n, final=True)
    if as_json:
        result = {"ruler": evaluator.id, "n": measurement.n, "measure": measurement.measure,
                  "metrics": measurement.metrics, "noise": measurement.noise, "floor": floor,
                  "omitted": measurement.omitted}  # fmt: skip
        return print(json.dumps(result, allow_nan=False))
    print(f"{measurement.measure} (evaluator, feature layer, n, reference split)")
    if floor:
        print("Floor: what real held-out samples get at the same n.")
    elif not extractor:
        print("There is no floor, because fewer real samples are held out than were given.")
    for name, value in measurement.metrics.items():
        noise = (
            f" ± {measurement.noise[name]:.2g} over other samples (sd)"
            if name in measurement.noise
            else ""
        )
        real = f", floor {_short(floor[name])}" if name in floor else ""
        print(f"  {name:28} {_short(value)}{noise}{real}")
    for name, reason in measurement.omitted.items():
        print(f"  {name:28} left out: {reason}")


def _short(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _apart(line: str) -> None:
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
    datasets.get(dataset).ensure(_apart)
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
        grid.add_row(name, *(_short(value) for value in values))
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
