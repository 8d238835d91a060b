"""The records as pandas tables."""

import subprocess
import sys

import pandas as pd
import pytest

import bench
from bench.analysis import records
from bench.errors import UserError
from bench.tracking.reading import RecordStore

from .synthetic import STEPS, VARIANTS, Store


def test_a_row_a_trial_with_the_numbers_of_the_records(quick: Store) -> None:
    """It is the frame that the analysis is built on, with the parameters as numbers."""
    table = bench.load_results("quick", quick.uri)
    trials = records.read(RecordStore(quick.uri), "quick").trials
    assert list(table["variant"]) == sorted(table["variant"])
    measured = [name for name in table if "/" in name]
    assert {"final/fid", "best/fid", "cost/seconds", "trial/missing"} <= set(measured)
    assert table[measured].equals(trials[measured])
    assert (table.index.name, list(table)) == ("run_id", [*trials, "diagnosis"])
    assert pd.api.types.is_numeric_dtype(table["budget"])
    assert table["lr"].tolist() == trials["lr"].astype(float).tolist()
    (diverged,) = table.index[table["status"] == "diverged"]
    assert pd.isna(table.loc[diverged, "final/fid"])


def test_a_group_by_gives_the_means_of_the_table(quick: Store) -> None:
    table = bench.load_results("quick", quick.uri)
    means = table.groupby("variant")["final/fid"].mean()
    assert set(means.index) == set(VARIANTS)
    assert means.idxmin() == "spectral_norm"


def test_a_row_a_measurement_of_a_curve(quick: Store) -> None:
    curves = bench.load_curves("quick", quick.uri)
    assert list(curves.columns) == ["variant", "seed", "metric", "images", "value"]
    fid = curves[(curves["metric"] == "fid") & (curves["variant"] == "mlp_bce")]
    assert sorted(set(fid["images"])) == [step for step in STEPS if step in set(fid["images"])]
    last = fid[(fid["seed"] == 0) & (fid["images"] == STEPS[-1])]["value"]
    final = bench.load_results("quick", quick.uri).query("variant == 'mlp_bce' and seed == 0")
    assert last.tolist() == final["final/fid"].tolist()


def test_an_unknown_experiment_is_a_sentence(quick: Store) -> None:
    with pytest.raises(UserError, match="did you mean 'quick'"):
        bench.load_results("quik", quick.uri)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import bench, sys; print([m for m in ('pandas', 'mlflow', 'torch') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
