"""`speed`: how fast this machine trains, against the tutorials' loops and its own limit."""

from typing import Annotated

import typer

from bench import paths
from bench.cli import options
from bench.cli.options import JsonOption, StoreOption, VariantsOption, WorkersOption, app


@app.command()
def speed(
    experiment: Annotated[
        str, typer.Argument(help="Take the variants and settings of this experiment.")
    ] = "quick",
    variants: VariantsOption = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is repeated.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="How long each rate is measured in a round.")
    ] = 3.0,
    workers: WorkersOption = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Measure how fast this machine trains.

    It measures steps per second, the machine's peak and the cost of evaluations. It takes about
    ten minutes; run nothing else on the machine meanwhile. It writes results/speed/MACHINE.md and
    MACHINE.json.

    Example: ganbench speed --variants mlp_bce --rounds 3
    """
    from bench import datasets
    from bench.cli.running import experiment_of
    from bench.executors import cores
    from bench.executors.builtin.streams import Streams
    from bench.speed import report
    from bench.training import runtime

    on_gpu = device != "cpu"
    chosen = experiment_of(experiment, [f"device={device}"] * on_gpu, variants, "1", [])
    runtime.require("fp32", device)
    console, width = options.console(stderr=True), workers or (Streams.width if on_gpu else cores())
    datasets.get(chosen.dataset).ensure(console.print)
    measured = report.report(experiment, chosen, width, rounds, seconds, console.print)
    path = report.save(measured, paths.home() / "results" / "speed")
    print(report.json_text(measured) if as_json else report.markdown(measured))
    options.say(console, f"Written to {path} and {path.with_suffix('.json').name}.")
