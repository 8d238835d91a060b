"""The floor belongs to the n of the trials: what stands in the results where there is none."""

import csv
import io
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from bench.analysis import compare, records, render
from bench.tracking.reading import RecordStore

from .synthetic import FLOOR, Store

NO_FLOOR = "There is no floor: none was recorded at n = 20,000. A floor needs as many held-out"


def _swept(store: Store, samples: int, floor: dict[str, float]) -> Store:
    sweep = store.sweep("mine")
    for seed in range(2):
        for variant in ("wgan", "mlp_bce"):
            sweep.trial(variant, seed, samples=str(samples))
    client = MlflowClient(store.uri)
    client.set_experiment_tag(sweep.experiment_id, "ganbench.floor", json.dumps(floor))
    return store


def _floor(store: Store) -> dict[str, float]:
    return records.read(RecordStore(store.uri), "mine").floor


def test_a_floor_at_the_trials_own_n_is_read(store: Store) -> None:
    assert _floor(_swept(store, 1000, {"n": 1000, **FLOOR})) == FLOOR


@pytest.mark.parametrize("floor", [FLOOR, {"n": 500, **FLOOR}])
def test_a_floor_at_another_n_is_left_out(floor: dict[str, float], store: Store) -> None:
    _swept(store, 1000, floor)
    assert _floor(store) == {}
    assert "There is no floor: none was recorded at n = 1,000." in render("mine", store.uri, "md")


def test_an_older_record_without_an_n_is_at_ten_thousand(store: Store) -> None:
    assert _floor(_swept(store, 10_000, FLOOR)) == FLOOR


def test_more_samples_than_held_out_images_have_no_floor(store: Store, tmp_path: Path) -> None:
    _swept(store, 20_000, {})
    out = tmp_path / "results"
    comparison = compare("mine", store.uri, out)
    assert NO_FLOOR in (out / "table.md").read_text()
    assert NO_FLOOR in (out / "table.tex").read_text()
    assert NO_FLOOR in (out / "index.html").read_text()
    assert "real data (floor)" not in comparison.table
    assert "times what real data gets" not in comparison.verdict
    assert json.loads((out / "table.json").read_text())["floor"] == {}
    table = list(csv.reader(io.StringIO((out / "table.csv").read_text())))
    assert [row[0] for row in table[1:]] == ["wgan", "mlp_bce"]
    for figure in ("fid", "seeds", "digits", "tradeoffs"):
        assert (out / f"{figure}.png").stat().st_size > 500


def test_a_floor_of_few_measures_fills_what_it_can(store: Store, tmp_path: Path) -> None:
    _swept(store, 100, {"n": 100, "fid": 2.5})
    compare("mine", store.uri, tmp_path / "results")
    table = (tmp_path / "results" / "table.md").read_text()
    (row,) = [line for line in table.splitlines() if line.startswith("| real data (floor)")]
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert "2.5" in cells
    assert set(cells) == {"–", "1", "2.5"}


def test_the_calibration_names_its_own_n(store: Store) -> None:
    text = render("mine", _swept(store, 1000, {}).uri, "md")
    assert "images of known quality, n = 10,000**" in text
