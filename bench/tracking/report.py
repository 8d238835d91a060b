"""What the analysis says, in MLflow: verdict, diagnosis, and the page as an artifact.

An MLflow experiment has a description and tags, but files belong to runs. So the page and the
tables are those of a run of their own, which carries ``ganbench.kind`` and is no trial: whoever
reads trials leaves it out.
"""

from collections.abc import Iterable
from pathlib import Path

from bench.tracking import connection, views
from bench.tracking.record import EXPERIMENT_TAG_LIMIT, TAG_LIMIT, within

KIND = "ganbench.kind"
COMPARISON = "comparison"


def log_report(
    uri: str,
    experiment: str,
    verdict: str,
    files: Iterable[Path],
    diagnosis: str = "",
    diagnoses: Iterable[tuple[str, str]] = (),
) -> None:
    """Show what the analysis says; doing it again replaces all of it.

    Args:
        verdict: Markdown, for the experiment's description.
        files: for the run ``comparison``.
        diagnosis: of the variants, a line each; it follows in the description.
        diagnoses: of the trials, each with its run's id, whose tag it becomes.

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
    for trial, text in diagnoses:
        client.set_tag(trial, views.DIAGNOSIS, within(text, TAG_LIMIT, "table.md"))
    whole, limit = "table.md of the run comparison", EXPERIMENT_TAG_LIMIT // 2
    tags = {views.VERDICT: within(verdict, limit, whole), views.PAGE: run_id}  # both in one text
    tags[views.DIAGNOSIS] = within(diagnosis, limit // 2, whole)
    tags[views.NOTE] = views.note(entry.tags | tags, entry.experiment_id)
    for name, value in tags.items():
        client.set_experiment_tag(entry.experiment_id, name, value)
