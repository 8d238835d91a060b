"""`ui` and `publish`: what MLflow holds."""

from typing import Annotated

import typer

from bench.cli.options import StoreOption, app


@app.command()
def ui(
    experiment: Annotated[str | None, typer.Argument(help="Open at this experiment.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5000,
    host: Annotated[
        str, typer.Option(help="Anything but 127.0.0.1 is open to others.")
    ] = "127.0.0.1",
    store: StoreOption = None,
) -> None:
    """The MLflow UI on 127.0.0.1, at the ready-made views.

    Example: ganbench ui quick --port 5001
    """
    from bench.tracking.addresses import tracking_uri
    from bench.tracking.ui import serve
    from bench.trials.experiment import recorded_name

    name = experiment and recorded_name(experiment)
    serve(tracking_uri(), name, port, host=host, report=print)


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
    from bench.tracking.publisher import publish as send
    from bench.trials.status import owned

    live = {key for plan in all_planned() for key in plan.keys if owned(trial_folder(key))}
    send(uri, experiment, live=live, report=print)
