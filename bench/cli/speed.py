"""`speed`: how fast this machine trains, against the tutorials' loops and its own limit."""

from typing import Annotated

import typer

from bench.cli import options
from bench.cli.options import JsonOption, StoreOption, app


@app.command()
def speed(
    experiment: Annotated[str, typer.Argument(help="Whose variants and settings.")] = "quick",
    variants: Annotated[str | None, typer.Option(help="Only these, e.g. wgan,mlp_bce.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is repeated.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="How long each rate is taken in a round.")
    ] = 3.0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Trials side by side; one a core by default, 16 on a GPU."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Measure steps a second, the machine's peak and the cost of measuring; about ten minutes.

    Writes results/speed/MACHINE.md and .json. Leave the machine alone meanwhile.

    Example: ganbench speed --variants mlp_bce --rounds 3
    """
    from bench import datasets
    from bench import paths as places
    from bench.cli.running import experiment_of
    from bench.executors import cores
    from bench.executors.builtin.streams import Streams
    from bench.speed import overhead
    from bench.speed.measurement import Spread, measure
    from bench.speed.report import Report
    from bench.training import runtime
    from bench.trials.provenance import code, environment

    on_gpu = device != "cpu"
    chosen = experiment_of(experiment, [f"device={device}"] * on_gpu, variants, "1", [])
    runtime.require("fp32", device)
    console, width = options.console(stderr=True), workers or (Streams.width if on_gpu else cores())
    datasets.get(chosen.dataset).ensure(console.print)
    found = []
    for trial in chosen.trials():
        console.print(f"{trial.variant}: {rounds} rounds")
        found.append(measure(trial, width, rounds, seconds))
    help_, dry = (
        Spread.of([overhead.starting(*words) for _ in range(rounds)])
        for words in (["--help"], ["run", experiment, "--dry-run"])
    )
    report = Report(
        chosen.name, environment(), _gpu() if on_gpu else None, code(),
        width, rounds, seconds, found,
        overhead.mirroring(experiment), help_, dry,
    )  # fmt: skip
    path = report.save(places.home() / "results" / "speed")
    print(report.json() if as_json else report.markdown())
    console.print(f"Written to {path} and {path.with_suffix('.json').name}.", soft_wrap=True)


def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name()
