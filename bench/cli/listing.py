"""`list`: what there is."""

import json
from itertools import groupby
from typing import Annotated, Any

import typer

from bench.cli.options import JsonOption, PluginOption, app, load_plugins

Rows = list[dict[str, Any]]


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(help="variants, experiments, datasets or metrics.")
    ] = "variants",
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """List variants, experiments, data sets or metrics.

    Example: ganbench list metrics --json
    """
    from bench.errors import unknown

    listings = {
        "variants": _variants,
        "experiments": _experiments,
        "datasets": _datasets,
        "metrics": _metrics,
    }
    if what not in listings:
        raise unknown("listing", what, listings)
    load_plugins(plugin)
    rows = listings[what]()
    if as_json:
        return print(json.dumps(rows))
    if what == "variants":
        return _by_idea(rows)
    for row in rows:
        name, *rest = row.items()
        print(name[1])
        for key, value in rest:
            print(f"    {key}: {value}")


def _variants() -> Rows:
    from bench.variants import registry

    return [
        {"variant": d.name, "idea": d.idea, "paper": d.paper, "year": d.year,
         "what it changes": d.change, "configuration": registry.configure(d.name, {})}
        for d in registry.descriptions()
    ]  # fmt: skip


def _by_idea(rows: Rows) -> None:
    """A line each under its idea; the configurations are in the JSON."""
    for idea, group in groupby(rows, key=lambda row: row["idea"]):
        print(idea)
        for row in group:
            print(f"    {row['variant']:18} {row['year'] or '':4}  {row['what it changes']}")


def _experiments() -> Rows:
    from bench.trials import experiment as experiments

    return [
        {"experiment": e.name, "variants": len(e.variants), "seeds": len(e.seeds),
         "budget": e.budget, "description": e.description}
        for e in map(experiments.load, experiments.names())
    ]  # fmt: skip


def _datasets() -> Rows:
    from bench import datasets

    return [
        {"data set": d.name, "what it is": d.summary, "shape": list(d.shape), "classes": d.classes}
        for d in map(datasets.get, datasets.names())
    ]


def _metrics() -> Rows:
    from bench.evaluation.declarations import listing

    return [dict(row) for row in listing()]
