"""How often each diagnosis applies to real trials: ``python tests/analysis/confusion.py URI …``

A line for each experiment and row of the stores, a column for each rule; a cell counts trials.
"""

import sys
from collections import Counter

import pandas as pd

from bench.analysis import diagnosis, frames, records
from bench.analysis.health import RULES
from bench.analysis.summary import rows
from bench.tracking.reading import RecordStore


def counts(uri: str) -> pd.DataFrame:
    """Trials by (experiment, row) and diagnosis, of everything in a store."""
    store, lines = RecordStore(uri), {}
    for name in store.names():
        recorded = records.read(store, name, every=True)
        curves = frames.curves(store, recorded, frames.EVALUATION, frames.TRAINING)
        diagnoses = diagnosis.diagnose(recorded, curves)
        for row in rows(recorded):
            given = [diagnoses[str(run_id)] or ["unknown"] for run_id in row.trials.index]
            about = {"trials": len(given), **Counter(rule for trial in given for rule in trial)}
            lines[name, row.name] = about
    return pd.DataFrame.from_dict(lines, orient="index")


if __name__ == "__main__":
    table = pd.concat(map(counts, sys.argv[1:])).fillna(0).astype(int)
    applying = [name for name in [*RULES, "unknown"] if name in table]
    print(table[["trials", *applying]].replace(0, ".").to_string())
