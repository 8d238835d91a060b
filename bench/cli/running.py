"""`run` and `table`: from an experiment to its tables."""

import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import paths
from bench.cli import in_mlflow, options
from bench.cli.options import (
    PluginOption,
    ResultsOption,
    StoreOption,
    VariantsOption,
    WorkersOption,
    app,
    say,
)
from bench.errors import UserError, unknown
from bench.tracking.addresses import tracking_uri

ELSEWHERE = "choose another folder with --results"
FAILED_TRIALS = 3
"""Exit status of a sweep that finished with failed trials."""
UNSENT = 5
"""Exit status of a sweep that finished although MLflow lacks a part of its record."""


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="A name in experiments/, or a TOML file.")],
    variants: VariantsOption = None,
    seeds: Annotated[str | None, typer.Option(help="How many seeds (5), or which (0,3,7).")] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "-o", help="Change a key, e.g. budget=64000 or wgan.clip=0.02.", metavar="KEY=VALUE"
        ),
    ] = None,
    plugin: PluginOption = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="serial, processes, streams (all in one process), ray, or one of a plug-in. "
            "Default: processes; on a GPU: streams."
        ),
    ] = None,
    workers: WorkersOption = None,
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster for --executor ray. Default: this machine.", metavar="HOST:PORT"
        ),
    ] = None,
    results: ResultsOption = None,
    store: StoreOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and stop.")
    ] = False,
) -> None:
    """Train, measure and compare variants; run it again to resume.

    Example: ganbench run quick --variants wgan,spectral_norm --seeds 5
    """
    from bench import executors
    from bench.executors import plan as planning

    chosen = experiment_of(experiment, override or [], variants, seeds, plugin or [])
    planned = planning.plan(chosen)
    console = options.console()
    _announce(console, chosen.name, planned)
    if dry_run:
        _list(console, planned)
        return
    executor = executor or ("streams" if chosen.device == "cuda" else "processes")
    if ray_address is not None and executor != "ray":
        raise UserError(
            "--ray-address is for --executor ray only: add --executor ray, or remove --ray-address."
        )
    out = results / chosen.name if results else chosen.results
    paths.check(out, ELSEWHERE)
    if planning.up_to_date(planned, chosen, out) and not _lacking(chosen.name, planned):
        say(console, f"Nothing to do: {out / 'table.md'} is up to date.")
        return
    runner = executors.get(executor)(ray_address)
    _sweep_and_compare(chosen, plugin or [], runner, workers, out, console)


@app.command()
def evaluate(
    experiment: Annotated[str, typer.Argument(help="An experiment that was run in this store.")],
    plugin: PluginOption = None,
    results: ResultsOption = None,
    store: StoreOption = None,
) -> None:
    """Measure what was trained before by metrics that were added since; nothing is trained.

    Example: ganbench evaluate quick --plugin my_metric.py
    """
    options.load_plugins(plugin)
    from bench import paths as places
    from bench.executors.evaluate import evaluate as measure
    from bench.trials.experiment import recorded_name

    name = recorded_name(experiment)
    if results:
        places.check(results / name, ELSEWHERE)
    done = measure(name, plugin or [], print)
    print(done)
    if done.unsent:
        print(f"{done.unsent} No table is made before MLflow has every value.")
        raise typer.Exit(UNSENT)
    _compare(name, results / name if results else _results(name), options.console())
    if done.left_out:
        raise typer.Exit(FAILED_TRIALS)


def experiment_of(
    name: str, overrides: list[str], variants: str | None, seeds: str | None, plugins: list[Path]
) -> Any:
    """The experiment of the file with the command line's choices."""
    from bench.trials import experiment as experiments

    added = options.load_plugins(plugins)
    chosen = experiments.load(name, overrides)
    wanted = variants.split(",") if variants else [*chosen.variants, *added]
    return experiments.select(chosen, list(dict.fromkeys(wanted)), seeds, plugins)


def _announce(console: Console, name: str, planned: Any) -> None:
    from bench.executors.display import count
    from bench.executors.plan import outdated

    trials, ended = count(len(planned), "trial"), sum(item.ended for item in planned)
    say(console, f"{name}: {trials}, {ended} done, {len(planned) - ended} to do.")
    for variant in outdated(planned):
        say(
            console,
            f"Note: the code of '{variant}' has changed since some of its trials were trained. "
            "Their records are kept. To train it again, change its configuration or its name.",
        )


def _list(console: Console, planned: Any) -> None:
    """Every trial with its status, under the phase that it belongs to."""
    phase = ""
    for item in planned:
        if item.phase != phase:
            phase = item.phase
            say(console, f"Phase {phase}, {item.trial.budget:,} images a trial:")
        say(console, f"  {item.trial.title}: {item.status.status}")
    if phase and not all(item.ended for item in planned if item.phase == "search"):
        say(console, "The tuned rows are added when the search is over.")


def _lacking(name: str, planned: Any) -> bool:
    """Whether MLflow has lost a run since it was sent; a store that cannot be read counts too."""
    from bench.analysis import records
    from bench.tracking.reading import RecordStore

    try:
        recorded = records.finished_keys(RecordStore(tracking_uri()), name)
    except UserError:
        return True
    return any(item.trial.key not in recorded for item in planned)


def _sweep_and_compare(
    chosen: Any,
    plugins: list[Path],
    executor: Any,
    workers: int | None,
    out: Path,
    console: Console,
) -> None:
    from bench.executors.run import sweep

    outcome = sweep(chosen, plugins, executor, workers, console)
    for item, status in outcome.of("failed"):
        say(console, f"{item.trial.title} failed: {status.reason}")
    if outcome.unsent:
        say(console, outcome.unsent)
    results = [item for item, _ in outcome.of("done", "diverged") if item.phase != "search"]
    if outcome.signal is not None:
        say(console, "Stopped: run the same command again to resume.")
        if results and outcome.signal == signal.SIGINT:
            _compare_so_far(chosen.name, len(results), out, console)
        raise typer.Exit(128 + outcome.signal)
    if outcome.unsent:
        say(console, "No table is made before MLflow has every trial.")
    elif chosen.search and not results:
        say(console, "The search is not over, so no setting is chosen: run the same command again.")
    elif results:
        in_mlflow.register_best(chosen.name, console)
        _compare(chosen.name, out, console)  # last: a table that is up to date says all is done
    if outcome.of("failed"):
        raise typer.Exit(FAILED_TRIALS)
    if outcome.unsent:
        raise typer.Exit(UNSENT)


def _compare_so_far(name: str, trials: int, out: Path, console: Console) -> None:
    """Leave table and page of what had ended at Ctrl-C; whoever asked by kill wants an end only."""
    from bench.executors.display import count

    ended = "has" if trials == 1 else "have"
    say(console, f"Table and page of the {count(trials, 'trial')} that {ended} ended follow.")
    try:
        _compare(name, out, console)
    except UserError as error:
        say(console, str(error))


def _compare(name: str, out: Path, console: Console) -> None:
    from bench.analysis import compare, overview

    comparison = compare(name, tracking_uri(), out)
    if out.parent == paths.home() / "results":
        overview.write(out.parent)
    say(console, f"{comparison.table}\n{comparison.verdict}")
    say(console, f"\nDiagnosis (in how many trials):\n{comparison.diagnosis}")
    if comparison.problem:
        say(console, comparison.problem)
    say(console, f"\nAll tables and pictures: {out / 'index.html'}")
    in_mlflow.log_report(name, comparison, console)
    say(console, f"Every run in MLflow: {in_mlflow.how_to_look(name)}")


@app.command()
def table(
    experiment: Annotated[str, typer.Argument(help="An experiment with records in MLflow.")],
    format: Annotated[
        str | None, typer.Option(help="Print md, tex, csv or json instead of writing files.")
    ] = None,
    plugin: PluginOption = None,
    results: ResultsOption = None,
    store: StoreOption = None,
) -> None:
    """Write an experiment's tables, figures and page again.

    They are made of its records in MLflow; nothing is trained.

    Example: ganbench table quick --format tex
    """
    from bench.trials.experiment import recorded_name

    options.load_plugins(plugin)
    name = recorded_name(experiment)
    if format is None:
        out = results / name if results else _results(name)
        paths.check(out, ELSEWHERE)
        return _compare(name, out, options.console())
    from bench.analysis import render

    if format not in ("md", "tex", "csv", "json"):
        raise unknown("table format", format, ("md", "tex", "csv", "json"))
    print(render(name, tracking_uri(), format))  # type: ignore[arg-type]


def _results(name: str) -> Path:
    """Where the tables of recorded trials go: where the run that recorded them put them."""
    from bench.analysis import records
    from bench.tracking.reading import RecordStore
    from bench.trials import experiment as experiments

    if name in experiments.names():
        written = experiments.load(name)
        if written.resolved == records.read(RecordStore(tracking_uri()), name).toml:
            return written.results
    return paths.root() / "results" / name
