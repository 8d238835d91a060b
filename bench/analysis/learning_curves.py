"""FID during training, as the trials recorded it."""

from dataclasses import dataclass

import numpy as np

from bench.analysis.records import Records, Trial
from bench.tracking.reading import RecordStore


@dataclass(frozen=True)
class LearningCurve:
    """One trial's evaluation points: images shown, training seconds, FID; each (points,)."""

    trial: Trial
    images: np.ndarray
    seconds: np.ndarray
    fid: np.ndarray


def learning_curves(store: RecordStore, records: Records) -> list[LearningCurve]:
    """The curve of every trial that was evaluated at least once."""
    found = []
    for trial in records.trials:
        fid = dict(store.curve(trial.run_id, "eval/fid"))
        seconds = dict(store.curve(trial.run_id, "eval/seconds"))
        steps = sorted(fid.keys() & seconds.keys())
        if steps:
            columns = [steps, [seconds[s] for s in steps], [fid[s] for s in steps]]
            found.append(LearningCurve(trial, *(np.array(column, float) for column in columns)))
    return found
