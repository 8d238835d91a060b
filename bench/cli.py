"""The commands. Each one imports what it needs when it runs, so that ``--help`` answers at once."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench.errors import UserError

app = typer.Typer(
    name="ganbench",
    help="Train GAN variants on MNIST over seeds, measure each with one pinned ruler, "
    "log everything to MLflow, and say which differences are real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FAILED_TRIALS = 3
"""Exit status of a sweep that finished with failed trials."""


def _use_store(folder: Path | None) -> None:
    if folder is not None:
        os.environ["GANBENCH_STORE"] = str(folder.absolute())


StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="Folder for everything that is not committed.", metavar="DIR",
                 callback=lambda value: _use_store(value)),
]  # fmt: skip
PluginOption = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="Python file with variants; its code is run.", metavar="FILE"),
]
RulerOption = Annotated[
    Path | None,
    typer.Option("--ruler", help="Python file with your own feature extractor; it is run.",
                 metavar="FILE"),
]  # fmt: skip
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="A name in experiments/, or a TOML file.")],
    variants: Annotated[str | None, typer.Option(help="Only these, e.g. wgan,mlp_bce.")] = None,
    seeds: Annotated[str | None, typer.Option(help="How many (5), or which (0,3,7).")] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "-o", help="Change a key, e.g. budget=64000 or wgan.clip=0.02.", metavar="KEY=VALUE"
        ),
    ] = None,
    plugin: PluginOption = None,
    executor: Annotated[str, typer.Option(help="serial or processes.")] = "processes",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials side by side; one a core by default.")
    ] = None,
    store: StoreOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Train, measure, record and compare; go on where it stopped.

    Example: ganbench run quick --variants wgan,spectral_norm --seeds 5
    """
    from bench.sweep import plan as planning

    chosen = _experiment(experiment, override or [], variants, seeds, plugin or [])
    planned = planning.plan(chosen)
    console = Console()
    _announce(console, chosen.name, planned)
    if dry_run:
        for item in planned:
            console.print(f"  {item.trial.title}: {item.status.status}", highlight=False)
        return
    resources = _resources(executor, workers)
    written = _results(chosen.name) / "table.md"
    if planning.settled(planned, chosen.name, written):
        console.print(f"Nothing to do: {written} is up to date.", soft_wrap=True)
        return
    _sweep_and_compare(chosen, plugin or [], resources, console)


def _experiment(
    name: str, overrides: list[str], variants: str | None, seeds: str | None, plugins: list[Path]
) -> Any:
    """The experiment of the file with the command line's choices."""
    from bench import experiment as experiments
    from bench.variants import registry

    added = [variant for plugin in plugins for variant in registry.load_plugin(plugin)]
    chosen = experiments.load(name, overrides)
    wanted = variants.split(",") if variants else [*chosen.variants, *added]
    return experiments.select(chosen, list(dict.fromkeys(wanted)), seeds)


def _announce(console: Console, name: str, planned: Any) -> None:
    from bench.sweep.plan import outdated

    ended = sum(item.ended for item in planned)
    console.print(f"{name}: {len(planned)} trials, {ended} done, {len(planned) - ended} to go.")
    for variant in outdated(planned):
        console.print(
            f"Note: the file of '{variant}' has changed since some of its trials were trained; "
            "their records are kept. Change its configuration or rename it to train it anew.",
            soft_wrap=True,
        )


def _resources(executor: str, workers: int | None) -> Any:
    from bench.errors import unknown
    from bench.sweep.executors import EXECUTORS
    from bench.sweep.run import Resources

    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Resources(executor, 1 if executor == "serial" else workers or cores or 1)  # type: ignore[arg-type]


def _sweep_and_compare(chosen: Any, plugins: list[Path], resources: Any, console: Console) -> None:
    from bench.sweep.run import sweep

    outcome = sweep(chosen, plugins, resources, console)
    for item in outcome.of("failed"):
        console.print(f"{item.trial.title} failed: {item.status.reason}", soft_wrap=True)
    if outcome.unsent:
        console.print(outcome.unsent, soft_wrap=True)
    if outcome.signal is not None:
        console.print("Stopped; the same command goes on from here.")
        raise typer.Exit(128 + outcome.signal)
    if outcome.of("done", "diverged") and not outcome.unsent:
        _compare(chosen.name, console)
    if outcome.of("failed"):
        raise typer.Exit(FAILED_TRIALS)


def _results(name: str) -> Path:
    from bench import store

    return store.home() / "results" / name


def _compare(name: str, console: Console) -> None:
    from bench.comparison import compare
    from bench.tracking.store import tracking_uri

    out = _results(name)
    comparison = compare(name, tracking_uri(), out)
    console.print(comparison.table, soft_wrap=True, markup=False, highlight=False)
    console.print(f"Table and pictures: {out}. Every run: ganbench ui", soft_wrap=True)


@app.command()
def table(
    experiment: Annotated[str, typer.Argument(help="An experiment with records in MLflow.")],
    format: Annotated[
        str | None, typer.Option(help="Print md, tex, csv or json instead of writing files.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Rebuild results/EXPERIMENT/ from the records alone.

    Example: ganbench table quick --format tex
    """
    if format is None:
        return _compare(experiment, Console())
    from bench.comparison import render
    from bench.errors import unknown
    from bench.tracking.store import tracking_uri

    if format not in ("md", "tex", "csv", "json"):
        raise unknown("table format", format, ("md", "tex", "csv", "json"))
    print(render(experiment, tracking_uri(), format))  # type: ignore[arg-type]


@app.command()
def score(
    samples: Annotated[Path, typer.Argument(help=".npy, .npz, .pt, .safetensors or PNG folder.")],
    as_json: JsonOption = False,
    ruler: RulerOption = None,
    store: StoreOption = None,
) -> None:
    """Measure images from anywhere: uint8 0..255, or float in [0, 1] or [-1, 1]; 28 x 28.

    Example: ganbench score samples.npy --json
    """
    from bench.data import fetch
    from bench.ruler import Ruler
    from bench.ruler import samples as reading

    images = reading.read(samples)
    fetch.ensure(lambda line: print(line, file=sys.stderr))
    chosen = Ruler.from_file(ruler) if ruler else Ruler.load()
    found = chosen.score(images, thorough=True)
    if as_json:
        result = {"ruler": chosen.id, "n": found.n, "measure": found.measure,
                  "metrics": found.metrics, "omitted": found.omitted}  # fmt: skip
        return print(json.dumps(result, allow_nan=False))
    print(f"{found.measure} (ruler, feature layer, n, reference split)")
    for name, value in found.metrics.items():
        print(f"  {name:28} {value:.4g}" if isinstance(value, float) else f"  {name:28} {value}")
    for name, reason in found.omitted.items():
        print(f"  {name:28} left out: {reason}")


@app.command()
def calibrate(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Send known sets of images through the ruler: what each metric can and cannot see.

    Example: ganbench calibrate --json
    """
    from bench.data import fetch
    from bench.ruler import Ruler

    fetch.ensure(lambda line: print(line, file=sys.stderr))
    rows = Ruler.load().calibration()
    if as_json:
        return print(json.dumps(rows, allow_nan=False))
    _print_transposed(rows)


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="variants, experiments or metrics.")] = "variants",
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """What there is: variants, experiments, metrics.

    Example: ganbench list metrics --json
    """
    from bench.errors import unknown

    listings = {"variants": _variants, "experiments": _experiments, "metrics": _metrics}
    if what not in listings:
        raise unknown("listing", what, listings)
    rows = listings[what](plugin or [])
    if as_json:
        return print(json.dumps(rows))
    for row in rows:
        name, *rest = row.items()
        print(name[1])
        for key, value in rest:
            print(f"    {key}: {value}")


def _print_transposed(rows: list[dict[str, Any]]) -> None:
    """One line a metric and one column a row: there are more metrics than a terminal is wide."""
    from rich.table import Table

    names = dict.fromkeys(name for row in rows for name in row if name != "row")
    shown = Table("metric", *(row["row"] for row in rows), box=None)
    for name in names:
        values = [row.get(name, "") for row in rows]
        shown.add_row(name, *(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values))
    Console(width=None if sys.stdout.isatty() else 200).print(shown, markup=False)


def _variants(plugins: list[Path]) -> list[dict[str, Any]]:
    from bench.variants import registry

    for plugin in plugins:
        registry.load_plugin(plugin)
    return [
        {
            "variant": n,
            "what it is": registry.summary(n),
            "configuration": registry.configure(n, {}),
        }
        for n in registry.names()
    ]


def _experiments(plugins: list[Path]) -> list[dict[str, Any]]:
    from bench import experiment as experiments

    found = [experiments.load(name) for name in experiments.names()]
    return [
        {"experiment": e.name, "variants": len(e.variants), "seeds": len(e.seeds),
         "budget": e.budget, "description": e.description}
        for e in found
    ]  # fmt: skip


def _metrics(plugins: list[Path]) -> list[dict[str, Any]]:
    from bench.ruler.suite import listing

    return [dict(row) for row in listing()]


@app.command()
def data(store: StoreOption = None) -> None:
    """Fetch MNIST if it is missing or altered, and verify all four files.

    Example: GANBENCH_DATA=/media/mnist ganbench data
    """
    from bench.data import fetch, mnist

    folder = fetch.ensure(print, refetch=True)
    print(f"All four files in {folder} are the known ones; data set sha256 {mnist.DIGEST}.")


@app.command()
def ui(
    experiment: Annotated[str | None, typer.Argument(help="Open at this experiment.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5000,
    host: Annotated[
        str, typer.Option(help="Anything but 127.0.0.1 is open to others.")
    ] = "127.0.0.1",
    store: StoreOption = None,
) -> None:
    """The MLflow UI on 127.0.0.1, at the ready-made comparison.

    Example: ganbench ui quick --port 5001
    """
    from bench.tracking.store import tracking_uri
    from bench.tracking.ui import serve

    raise typer.Exit(serve(tracking_uri(), experiment, port, host=host, report=print))


@app.command()
def classifier(
    network: Annotated[str, typer.Option(help="digits (the ruler) or witness.")] = "digits",
    out: Annotated[Path | None, typer.Option(help="Where the weights go.", metavar="FILE")] = None,
    store: StoreOption = None,
) -> None:
    """Retrain a digit classifier from scratch; the pinned one stays as it is.

    Example: ganbench classifier --network digits --out digits.safetensors
    """
    from bench import store as places
    from bench.data import fetch
    from bench.ruler import recipe

    fetch.ensure(print)
    path = out or places.root() / "classifiers" / f"{network}.safetensors"
    done = recipe.retrain(network, path, print)
    print(
        f"{path}: {done.accuracy:.2f} % of the test images, errors by digit "
        f"{done.errors}, sha256 {done.sha256}"
    )


@app.command()
def publish(
    uri: Annotated[str, typer.Argument(help="A tracking store, e.g. http://127.0.0.1:5001.")],
    experiment: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    store: StoreOption = None,
) -> None:
    """Mirror the records of this store to another tracking store; sending again changes nothing.

    Example: ganbench publish http://127.0.0.1:5001 quick
    """
    from bench.tracking.experiments import all_planned, trial_folder
    from bench.tracking.publish import publish as send
    from bench.training.status import owned

    live = {key for one in all_planned() for key in one.keys if owned(trial_folder(key))}
    send(uri, experiment, live=live, report=print)


def main() -> None:
    """Run a command; a `UserError` is one sentence on stderr and exit status 1."""
    try:
        app()
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
