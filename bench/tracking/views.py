"""What an MLflow experiment shows of itself: its description, its floor, its main metric."""

import json

from bench.tracking.experiments import ExperimentRecord
from bench.tracking.record import EXPERIMENT_TAG_LIMIT, within

PRIMARY = "final/fid"
"""The metric that orders an experiment; lower is better."""


def experiment_tags(about: ExperimentRecord) -> dict[str, str]:
    """Every tag of the experiment."""
    toml = within(about.toml, EXPERIMENT_TAG_LIMIT, "the artifact experiment.toml of each run")
    return {
        "ganbench.protocol": about.protocol,
        "ganbench.measure": about.measure,
        "ganbench.floor": json.dumps(about.floor),
        "ganbench.calibration": json.dumps(about.calibration),
        "ganbench.toml": toml,
        "mlflow.note.content": about.description,
        "mlflow.experiment.primaryMetric.name": PRIMARY,
        "mlflow.experiment.primaryMetric.greaterIsBetter": "false",
    }
