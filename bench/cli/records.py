"""`verify`, `ui`, `publish`, `export` and `import`: what MLflow and the store hold."""

from pathlib import Path
from typing import Annotated

import typer

from bench import paths
from bench.cli.options import JsonOption, StoreOption, app, path_option
from bench.tracking.addresses import tracking_uri

DIFFERENT = 4
"""Exit status of a verification in which a row differs."""


@app.command()
def verify(
    experiment: Annotated[str, typer.Argument(help="An experiment with fresh runs in MLflow.")],
    against: Annotated[
        Path | None,
        path_option("--against", "FILE", "Table to compare with. Default: the committed one."),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Compare fresh runs with an experiment's committed table.

    Any part of the experiment is enough. The exit status is 4 where a row differs.

    Example: ganbench verify quick --store /tmp/mine
    """
    from bench.analysis import agreement, data, records, verification
    from bench.tracking.reading import RecordStore
    from bench.trials.experiment import recorded_name

    name = recorded_name(experiment)
    committed = data.read(name, against)
    fresh = records.read(RecordStore(tracking_uri()), name, every=True)
    rows = verification.verify(fresh, committed)
    print(agreement.json_text(rows) if as_json else agreement.text(rows))
    if rows.differing:
        raise typer.Exit(DIFFERENT)


@app.command()
def ui(
    experiment: Annotated[str | None, typer.Argument(help="Open this experiment.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5000,
    host: Annotated[
        str, typer.Option(help="Other computers can connect where this is not 127.0.0.1.")
    ] = "127.0.0.1",
    store: StoreOption = None,
) -> None:
    """Start the MLflow UI and print links to the saved views.

    Example: ganbench ui quick --port 5001
    """
    from bench.tracking.ui import serve
    from bench.trials.experiment import recorded_name

    name = experiment and recorded_name(experiment)
    serve(tracking_uri(), name, port, host=host, report=print)


@app.command()
def publish(
    uri: Annotated[str, typer.Argument(help="A tracking store, e.g. http://127.0.0.1:5001.")],
    experiment: Annotated[
        str | None, typer.Argument(help="Send only this experiment. Default: all.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Send the records of this store to another MLflow store.

    Sending again changes nothing.

    Example: ganbench publish http://127.0.0.1:5001 quick
    """
    from bench.tracking.experiments import all_planned, trial_folder
    from bench.tracking.publisher import publish as send
    from bench.trials.status import owned

    live = {key for plan in all_planned() for key in plan.keys if owned(trial_folder(key))}
    send(uri, experiment, live=live, report=print)


@app.command()
def export(
    experiment: Annotated[str, typer.Argument(help="An experiment with finished trials.")],
    out: Annotated[
        Path | None,
        path_option("--out", "FILE", "The file to write. Default: EXPERIMENT.zip."),
    ] = None,
    weights: Annotated[bool, typer.Option("--weights", help="Also pack the generators.")] = False,
    store: StoreOption = None,
) -> None:
    """Pack the records of an experiment into one zip file.

    Example: ganbench export quick --out quick.zip
    """
    from bench.tracking.archive import export as pack
    from bench.trials.experiment import recorded_name

    name = recorded_name(experiment)
    path = out or Path(f"{paths.safe_filename(name)}.zip")
    trials = pack(name, path, weights=weights)
    print(f"{path} holds {trials} trials of {name} ({path.stat().st_size / 1e6:.1f} MB).")


@app.command(name="import")
def bring(
    archive: Annotated[
        Path,
        typer.Argument(
            help="A zip file of `ganbench export`.", metavar="FILE", parser=paths.expanded
        ),
    ],
    store: StoreOption = None,
) -> None:
    """Bring the records of a zip file into this store and into MLflow.

    Importing again changes nothing. Trials of two machines become one experiment.

    Example: ganbench import results/paper/records.zip
    """
    from bench.tracking.archive import bring as unpack
    from bench.tracking.publisher import publish as send

    brought = unpack(archive)
    print(
        f"{brought.added} trials of {brought.name} are new in this store, {brought.present} were "
        "here before."
    )
    if brought.plugins:
        print(
            f"These trials carry code of {', '.join(brought.plugins)}. Commands that load their "
            "generators run it: import only from people you trust."
        )
    send(tracking_uri(), brought.name, report=print)
    print(f"Make its tables and page: ganbench table {brought.name}")
