"""The records of an experiment as pandas tables, for a notebook of one's own."""

import pandas as pd

from bench.analysis import learning_curves, records
from bench.tracking.addresses import tracking_uri
from bench.tracking.reading import RecordStore


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
    trials = records.read(RecordStore(uri or tracking_uri()), experiment).trials
    own = [column for column in trials.columns if not column.startswith("trial/")]
    return trials[own].apply(_numeric).sort_values(["variant", "seed"], kind="stable")


def load_curves(experiment: str, uri: str | None = None) -> pd.DataFrame:
    """Every measurement made during training, a row each; the index is the MLflow run id.

    Columns: ``variant``, ``seed``, ``metric`` ("fid"), ``images`` (real images shown to the
    discriminator so far), ``value``.

    Args:
        experiment, uri: as for `load_results`.

    Raises:
        UserError: as `load_results`.
    """
    store = RecordStore(uri or tracking_uri())
    return learning_curves.read(store, records.read(store, experiment))


def _numeric(column: "pd.Series[object]") -> "pd.Series[object]":
    """MLflow keeps parameters as text; a column of numbers becomes numbers."""
    try:
        return pd.to_numeric(column)
    except (TypeError, ValueError):
        return column
