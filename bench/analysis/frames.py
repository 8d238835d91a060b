"""The records of an experiment as pandas tables, for a notebook of one's own."""

from collections.abc import Mapping

import pandas as pd

from bench.analysis import records
from bench.analysis.records import Trial
from bench.tracking.addresses import tracking_uri
from bench.tracking.reading import RecordStore

_CURVES = "eval/"


def load_results(experiment: str, uri: str | None = None) -> pd.DataFrame:
    """One row a trial that counts (done or diverged), sorted by variant and seed.

    Columns: ``variant``, ``seed``, ``status``; every other parameter under its own name; the
    measurements as ``final/fid``, ``best/fid``, ``cost/seconds``, ``noise/fid`` and so on, NaN
    where a trial has none (a diverged trial has no final ones). The index is the MLflow run id.

    Args:
        experiment: its name in the records, such as "quick".
        uri: the tracking store; by default the one that ``ganbench`` itself uses.

    Raises:
        UserError: there is no such experiment, nothing of it is finished, or two classifiers
            measured it.
    """
    _, trials = _recorded(experiment, uri)
    index = pd.Index([trial.run_id for trial in trials], name="run_id")
    table = pd.DataFrame([_row(trial) for trial in trials], index=index)
    return table.apply(_numeric).sort_values(["variant", "seed"])


def load_curves(experiment: str, uri: str | None = None) -> pd.DataFrame:
    """Every measurement made during training, a row each.

    Columns: ``variant``, ``seed``, ``metric`` ("fid"), ``images`` (real images shown to the
    discriminator so far), ``value``.

    Args:
        experiment, uri: as for `load_results`.

    Raises:
        UserError: as `load_results`.
    """
    store, trials = _recorded(experiment, uri)
    recorded = store.experiment(experiment)
    runs = {run.run_id: run for run in recorded.runs} if recorded else {}
    points = [
        (trial.variant, trial.seed, metric.removeprefix(_CURVES), images, value)
        for trial in trials
        for metric, stored in sorted(runs[trial.run_id].stored.items())
        if metric.startswith(_CURVES)
        for images, value in store.curve(trial.run_id, stored)
    ]
    return pd.DataFrame(points, columns=["variant", "seed", "metric", "images", "value"])


def _recorded(experiment: str, uri: str | None) -> tuple[RecordStore, tuple[Trial, ...]]:
    store = RecordStore(uri or tracking_uri())
    return store, records.read(store, experiment).trials


def _row(trial: Trial) -> dict[str, object]:
    sections: Mapping[str, Mapping[str, float]] = {
        "final": trial.final, "best": trial.best, "cost": trial.cost, "noise": trial.noise,
    }  # fmt: skip
    return {
        "variant": trial.variant,
        "seed": trial.seed,
        "status": trial.status,
        **{name: value for name, value in trial.params.items() if name not in ("variant", "seed")},
        **{
            f"{name}/{metric}": v
            for name, values in sections.items()
            for metric, v in values.items()
        },
    }


def _numeric(column: "pd.Series[object]") -> "pd.Series[object]":
    """MLflow keeps parameters as text; a column of numbers becomes numbers."""
    try:
        return pd.to_numeric(column)
    except (TypeError, ValueError):
        return column
