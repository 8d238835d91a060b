"""What was measured during training, as one long frame, and FID over training as a wide one."""

import pandas as pd

from bench.analysis.records import Records
from bench.tracking.reading import RecordStore

COLUMNS = ["variant", "seed", "metric", "images", "value"]
_PREFIX = "eval/"


def read(store: RecordStore, records: Records) -> pd.DataFrame:
    """A row a measurement, in the columns `COLUMNS`; the index is the run id."""
    experiment = store.experiment(records.experiment)
    stored = {run.run_id: run.stored for run in experiment.runs} if experiment else {}
    points = [
        (run_id, trial["variant"], trial["seed"], name.removeprefix(_PREFIX), images, value)
        for run_id, trial in records.trials.iterrows()
        for name, logged in sorted(stored[run_id].items())
        if name.startswith(_PREFIX)
        for images, value in store.curve(str(run_id), logged)
    ]
    return pd.DataFrame(points, columns=["run_id", *COLUMNS]).set_index("run_id")


def fid_over_training(curves: pd.DataFrame) -> pd.DataFrame:
    """``fid`` and ``seconds`` of each (run id, images) at which both were recorded."""
    wide = curves.set_index(["metric", "images"], append=True)["value"].unstack("metric")
    return wide.reindex(columns=["fid", "seconds"]).dropna()
