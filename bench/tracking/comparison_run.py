"""What a comparison says, put beside its runs: the verdict, and the page as an artifact.

An MLflow experiment has a description and tags, but files belong to runs. So the page and the
tables are those of a run of their own, which carries ``ganbench.kind`` and is no trial: whoever
reads trials leaves it out.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.tracking import mlflow_store, record, run, views

if TYPE_CHECKING:
    from mlflow import MlflowClient

KIND = "ganbench.kind"
COMPARISON = "comparison"


def log_report(uri: str, experiment: str, verdict: str, files: Iterable[Path]) -> None:
    """Show a verdict in the experiment's description, and the files in its run ``comparison``.

    Doing it again replaces both.

    Args:
        uri: the tracking store.
        experiment: what was compared.
        verdict: Markdown.
        files: page and tables; a file of the same name is replaced.

    Raises:
        UserError: the experiment is not in the store.
    """
    client = mlflow_store.client(uri)
    found = mlflow_store.recorded(client, uri, experiment)
    run_id = _run(client, found.experiment_id)
    for file in files:
        client.log_artifact(run_id, str(file))
    client.set_terminated(run_id)
    limit = record.EXPERIMENT_TAG_LIMIT // 2  # the description has to hold it
    tags = {
        views.VERDICT: record.within(verdict, limit, "table.md of the run comparison"),
        views.PAGE: run_id,
    }
    tags[views.NOTE] = views.note(found.tags | tags, found.experiment_id)
    for name, value in tags.items():
        client.set_experiment_tag(found.experiment_id, name, value)


def _run(client: "MlflowClient", experiment_id: str) -> str:
    for found in run.search(client, experiment_id, f"tags.`{KIND}` = '{COMPARISON}'"):
        return str(found.info.run_id)
    tags = {KIND: COMPARISON, "mlflow.source.name": "ganbench", "mlflow.source.type": "LOCAL"}
    return str(client.create_run(experiment_id, tags=tags, run_name=COMPARISON).info.run_id)
