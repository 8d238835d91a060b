"""What the analysis says, in MLflow: the verdict, and the page as an artifact.

An MLflow experiment has a description and tags, but files belong to runs. So the page and the
tables are those of a run of their own, which carries ``ganbench.kind`` and is no trial: whoever
reads trials leaves it out.
"""

from collections.abc import Iterable
from pathlib import Path

from bench.tracking import connection, views
from bench.tracking.record import EXPERIMENT_TAG_LIMIT, within

KIND = "ganbench.kind"
COMPARISON = "comparison"


def log_report(uri: str, experiment: str, verdict: str, files: Iterable[Path]) -> None:
    """Show a verdict (Markdown) in the experiment's description, and the files in its run
    ``comparison``; doing it again replaces both.

    Raises:
        UserError: the experiment is not in the store.
    """
    client = connection.writer(uri)
    entry = connection.recorded(client, uri, experiment)
    earlier = connection.runs(client, entry.experiment_id, f"tags.`{KIND}` = '{COMPARISON}'")
    if earlier:
        run_id = earlier[-1].run_id
    else:
        marks = {KIND: COMPARISON, "mlflow.source.name": "ganbench", "mlflow.source.type": "LOCAL"}
        run = client.create_run(entry.experiment_id, tags=marks, run_name=COMPARISON)
        run_id = run.info.run_id
    for file in files:
        client.log_artifact(run_id, str(file))
    client.set_terminated(run_id)
    limit = EXPERIMENT_TAG_LIMIT // 2  # the description has to hold it
    said = within(verdict, limit, "table.md of the run comparison")
    tags = {views.VERDICT: said, views.PAGE: run_id}
    tags[views.NOTE] = views.note(entry.tags | tags, entry.experiment_id)
    for name, value in tags.items():
        client.set_experiment_tag(entry.experiment_id, name, value)
