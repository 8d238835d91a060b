"""`verify`: a fresh run against the stored table."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import JsonOption, StoreOption, app
from bench.paths import expanded

DIFFERENT = 4
"""Exit status of a verification in which a row differs."""


@app.command()
def verify(
    experiment: Annotated[str, typer.Argument(help="With fresh runs in MLflow.")],
    against: Annotated[
        Path | None,
        typer.Option(
            help="A table.json; the committed one by default.", metavar="FILE", parser=expanded
        ),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Hold fresh runs of any part of an experiment against its committed table.

    Ends with 4 where a row differs.

    Example: ganbench verify quick --store /tmp/mine
    """
    from bench.analysis import agreement, records, stored, verification
    from bench.tracking.addresses import tracking_uri
    from bench.tracking.reading import RecordStore
    from bench.trials.experiment import recorded_name

    name = recorded_name(experiment)
    kept = stored.read(name, against)
    fresh = records.read(RecordStore(tracking_uri()), name, every=True)
    found = verification.verify(fresh, kept)
    if as_json:
        print(json.dumps(agreement.json_tree(found), allow_nan=False))
    else:
        print(agreement.text(found))
    if found.differs:
        raise typer.Exit(DIFFERENT)
