"""`list`: what there is."""

import json
from typing import Annotated, Any

import typer

from bench.cli.options import JsonOption, PluginOption, app, load_plugins


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(help="variants, experiments, datasets or metrics.")
    ] = "variants",
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """What there is: variants, experiments, data sets, metrics.

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
    for row in rows:
        name, *rest = row.items()
        print(name[1])
        for key, value in rest:
            print(f"    {key}: {value}")


def _variants() -> list[dict[str, Any]]:
    from bench.variants import registry

    return [
        {
            "variant": n,
            "what it is": registry.summary(n),
            "configuration": registry.configure(n, {}),
        }
        for n in registry.names()
    ]


def _experiments() -> list[dict[str, Any]]:
    from bench.trials import experiment as experiments

    found = [experiments.load(name) for name in experiments.names()]
    return [
        {"experiment": e.name, "variants": len(e.variants), "seeds": len(e.seeds),
         "budget": e.budget, "description": e.description}
        for e in found
    ]  # fmt: skip


def _datasets() -> list[dict[str, Any]]:
    from bench import datasets

    every = [datasets.get(name) for name in datasets.names()]
    return [
        {"data set": d.name, "what it is": d.summary, "shape": list(d.shape), "classes": d.classes}
        for d in every
    ]


def _metrics() -> list[dict[str, Any]]:
    from bench.evaluation.declarations import listing

    return [dict(row) for row in listing()]
