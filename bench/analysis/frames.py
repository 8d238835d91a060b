"""The records of an experiment as pandas frames: what the analysis is built on, for notebooks."""

import pandas as pd

from bench.analysis import diagnosis, records
from bench.analysis.records import Records
from bench.tracking.addresses import tracking_uri
from bench.tracking.reading import RecordStore

EVALUATION, TRAINING = "eval/", "train/"
_CURVES = ["variant", "seed", "metric", "images", "value"]


def load_results(experiment: str, uri: str | None = None) -> pd.DataFrame:
    """One row a trial that counts (done or diverged), sorted by table row and seed.

    The index is the MLflow run id. The columns are

    * ``variant`` (text), ``seed`` (int), ``status`` ("done" or "diverged");
    * every other parameter under its own name, a number where all trials have numbers;
    * ``final/fid`` and every other metric of the last checkpoint, ``best/fid`` of the one that
      held-out images chose, ``cost/seconds``, ``noise/fid`` (the sd over sets of samples), …:
      float, NaN where a trial has none. A diverged trial has costs only;
    * ``trial/row``: the row of the tables, which is the variant and what sets its trials apart
      where one variant was run in several configurations;
    * ``diagnosis``: what went wrong in its training ("collapsed; past its best"), or "healthy";
    * ``trial/searched``, in an experiment with a search: the row of its file that the trial
      belongs to. Trials of the search itself have no row here;
    * ``trial/missing``: the classes that the last generator does not cover ("none", "4 9");
    * ``trial/reason`` of a diverged trial, ``trial/key``, ``trial/commit`` of the code (text), and
      ``trial/pictures``: whether the trial logged any (bool).

    Args:
        experiment: its name in the records, such as "quick".
        uri: the tracking store; by default the one that ``ganbench`` itself uses.

    Raises:
        UserError: there is no such experiment, nothing of it is finished, or two classifiers
            measured it.
    """
    store = RecordStore(uri or tracking_uri())
    recorded = records.read(store, experiment)
    trials = recorded.trials
    diagnoses = diagnosis.diagnose(recorded, curves(store, recorded, EVALUATION, TRAINING))
    given = [name for name in trials if "/" not in name and name not in ("variant", "status")]
    numbers = {name: _numeric(trials[name]) for name in given}
    health = [diagnosis.names(diagnoses[str(run_id)]) for run_id in trials.index]
    return trials.assign(**numbers, diagnosis=health)


def load_curves(experiment: str, uri: str | None = None) -> pd.DataFrame:
    """Every measurement made during training, a row each; the index is the MLflow run id.

    Columns: ``variant``, ``seed``, ``metric`` ("fid"), ``images`` (real samples shown to the
    discriminator so far), ``value``.

    Args:
        experiment, uri: as for `load_results`.

    Raises:
        UserError: as `load_results`.
    """
    store = RecordStore(uri or tracking_uri())
    return curves(store, records.read(store, experiment))


def curves(store: RecordStore, records: Records, *sections: str) -> pd.DataFrame:
    """The frame of `load_curves`, or that of other sections of what a trial recorded."""
    sections = sections or (EVALUATION,)
    experiment = store.experiment(records.experiment)
    stored = {run.run_id: run.stored for run in experiment.runs} if experiment else {}
    points = [
        (run_id, trial["variant"], trial["seed"], name.partition("/")[2], images, value)
        for run_id, trial in records.trials.iterrows()
        for name, logged in sorted(stored[run_id].items())
        if name.startswith(sections)
        for images, value in store.curve(str(run_id), logged)
    ]
    frame = pd.DataFrame(points, columns=["run_id", *_CURVES]).set_index("run_id")
    return frame.astype({"images": int, "value": float})  # also where there are no points


def fid_over_training(curves: pd.DataFrame) -> pd.DataFrame:
    """``fid`` and ``seconds`` of each (run id, images) at which both were recorded."""
    wide = curves.set_index(["metric", "images"], append=True)["value"].unstack("metric")
    return wide.reindex(columns=["fid", "seconds"]).dropna()


def _numeric(column: "pd.Series[object]") -> "pd.Series[object]":
    """MLflow keeps parameters as text; a column of numbers becomes numbers."""
    try:
        return pd.to_numeric(column)
    except (TypeError, ValueError):
        return column
