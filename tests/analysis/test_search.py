"""What a search tells, from MLflow records alone: choice, fresh seeds, fields, and two figures."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow.entities import Metric, Param, RunTag
from scipy import stats

from bench.analysis import compare, frames, search, search_tables, statistics
from bench.analysis import records as reading
from bench.analysis.figures.search_budget import search_budget
from bench.analysis.figures.search_fields import search_fields
from bench.analysis.records import Records
from bench.analysis.search import BOOTSTRAPS
from bench.analysis.summary import rows
from bench.tracking.reading import RecordStore

from .synthetic import RULER, Store, Sweep

SETTINGS = 9
BEST = 6
LOST = 4


def clip(number: int) -> float:
    return 0.01 if number == 0 else 0.1 * number


def value(row: str, number: int) -> float:
    """Of wgan it falls with the clip, but for one setting; of mlp_bce the defaults are best."""
    if row == "mlp_bce":
        return 5.0 + number
    return 2.0 if number == BEST else 30.0 - number


def tried(sweep: Sweep, row: str, number: int, seed: int, **params: object) -> str:
    """A run of the search, as a sweep leaves it; its key."""
    key, client = f"search-{row}-{number}-{seed}", sweep.client
    run_id = client.create_run(sweep.experiment_id, run_name=key).info.run_id
    given = {"variant": f"{row}_s{number:02d}", "seed": seed, "phase": "search", "searched": row,
             "setting": number, "budget": 1600, "lr": 10.0**-number, **params}  # fmt: skip
    diverged = (row, number, seed) == ("wgan", LOST, 10_001)
    state = "diverged" if diverged else "done"
    tags = {"key": key, "status": state, "ruler": RULER, "protocol": "of-the-search"}
    metrics = [Metric("cost/seconds", 60.0, 0, 0), Metric("eval/fid_heldout", 99.0, 0, 800)]
    if not diverged:
        noise = 0.5 if seed % 2 else -0.5
        metrics.append(Metric("eval/fid_heldout", value(row, number) + noise, 1, 1600))
        metrics.append(Metric("final/modes", 2.0 if number == 1 else 10.0, 1, 0))
    client.log_batch(
        run_id, metrics, [Param(name, str(text)) for name, text in given.items()],
        [RunTag(f"ganbench.{name}", text) for name, text in tags.items()],
    )  # fmt: skip
    client.set_terminated(run_id)
    return key


@pytest.fixture(scope="module")
def store(empty_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("tuned")
    shutil.copy(empty_store.root / "mlflow.db", root / "mlflow.db")
    filled = Store(root)
    sweep = filled.sweep("tuned")
    keys = [
        tried(sweep, row, number, seed, **({"clip": clip(number)} if row == "wgan" else {}))
        for row in ("wgan", "mlp_bce")
        for number in range(SETTINGS)
        for seed in (10_000, 10_001)
    ]
    tried(sweep, "wgan", 99, 10_000, clip=77.0)  # of an earlier plan
    for row, searched in (("wgan", "wgan"), ("wgan_tuned", "wgan"), ("mlp_bce", "mlp_bce")):
        for seed in range(3):
            run_id = sweep.trial(row, seed)
            sweep.client.log_batch(
                run_id, params=[Param("phase", "final"), Param("searched", searched)]
            )
            keys.append(sweep.client.get_run(run_id).data.tags["ganbench.key"])
    sweep.client.set_experiment_tag(sweep.experiment_id, "ganbench.keys.0", " ".join(keys))
    return filled


@pytest.fixture(scope="module")
def records(store: Store) -> Records:
    return reading.read(RecordStore(store.uri), "tuned")


@pytest.fixture(scope="module")
def curves(store: Store, records: Records) -> pd.DataFrame:
    return frames.curves(RecordStore(store.uri), records)


def test_table_and_verdict_are_of_the_final_phase_alone(records: Records) -> None:
    assert {row.name for row in rows(records)} == {"wgan", "wgan_tuned", "mlp_bce"}
    assert records.notes == ()
    assert len(records.trials) == 9
    assert not {"phase", "searched", "setting"} & set(records.trials.columns)
    assert set(records.trials["trial/searched"]) == {"wgan", "mlp_bce"}


def test_a_setting_has_its_mean_at_the_end_of_the_search(records: Records) -> None:
    settings = records.search
    assert len(settings) == 2 * SETTINGS  # without that of an earlier plan
    assert settings.loc[("wgan", 3), "value"] == value("wgan", 3)
    assert settings.loc[("wgan", 3), "seconds"] == 120
    assert settings.loc[("wgan", LOST), "value"] == math.inf
    assert settings.index[settings["diverged"]].tolist() == [("wgan", LOST)]
    assert settings.index[settings["collapsed"]].tolist() == [("mlp_bce", 1), ("wgan", 1)]
    assert search.fields(settings) == ["clip", "lr"]
    assert settings["clip"].isna().tolist() == [True] * SETTINGS + [False] * SETTINGS


def test_the_choice_is_compared_with_its_value_on_fresh_seeds(
    records: Records, curves: pd.DataFrame
) -> None:
    defaults, tuned = search_tables.rows(records, curves)
    assert (defaults["variant"], defaults["chosen"], defaults["changes"]) == ("mlp_bce", 0, {})
    assert (tuned["variant"], tuned["chosen"], tuned["settings"]) == ("wgan", BEST, SETTINGS)
    assert tuned["changes"] == {"clip": clip(BEST), "lr": 1e-6}
    assert (tuned["value"], tuned["defaults"]) == (2.0, 30.0)
    assert (tuned["diverged"], tuned["collapsed"]) == (1, 1)
    measured = curves[(curves["metric"] == "fid_heldout") & (curves["images"] == 1600)]
    expected = measured.groupby("variant")["value"].mean()
    assert tuned["fresh"].mean == pytest.approx(expected["wgan_tuned"])
    assert defaults["fresh"].mean == pytest.approx(expected["mlp_bce"])
    grid = search_tables.settings(records, curves)
    assert grid is not None
    cells = dict(zip(grid.heads, grid.rows[1], strict=True))
    assert cells["chosen"].text == f"{BEST}: clip=0.6, lr=1e-06"
    assert cells["fresh/search"].value == pytest.approx(expected["wgan_tuned"] / 2)


def test_where_the_final_phase_measured_at_other_points_there_is_a_dash(
    records: Records, curves: pd.DataFrame
) -> None:
    grid = search_tables.settings(records, curves[curves["images"] > 1700])
    assert grid is not None
    assert [line[7].text for line in grid.rows] == ["–", "–"]
    assert any(note.startswith("A dash under fresh seeds") for note in grid.notes)


def test_which_fields_matter_is_a_rank_correlation_over_what_was_drawn(records: Records) -> None:
    lines = search.influence(records.search).set_index(["field", "searched"])
    drawn = range(1, SETTINGS)
    values = [math.inf if number == LOST else value("wgan", number) for number in drawn]
    ranks = stats.rankdata(values)
    expected = stats.spearmanr([clip(number) for number in drawn], ranks).statistic
    wgan = lines.loc[("clip", "wgan")]
    assert (wgan["n"], wgan["correlation"]) == (SETTINGS - 1, pytest.approx(expected))
    assert wgan["low"] < wgan["correlation"] < wgan["high"] <= 1
    assert lines.loc[("lr", "mlp_bce")]["correlation"] == pytest.approx(-1)
    assert -0.99 < lines.loc[("lr", "mlp_bce")]["high"] < -0.5  # eight settings are not certain
    few = records.search[records.search.index.get_level_values("setting") < 4]
    assert search.influence(few).empty
    assert lines.loc[("lr", "")]["n"] == 2 * (SETTINGS - 1)
    grid = search_tables.influence(records)
    assert grid is not None
    assert [cell.text for cell in grid.rows[0][:3]] == ["all variants", "clip", "8"]


def test_the_interval_of_a_rank_correlation_covers_as_it_says() -> None:
    random, linear = np.random.default_rng(3), 0.6
    assert (
        statistics.spearman(np.arange(8.0), np.arange(8.0), 3)[1]
        < (statistics.spearman(np.arange(8.0), np.arange(8.0))[1])
    )
    truth = 6 / math.pi * math.asin(linear / 2)
    covered = 0
    for _ in range(1000):
        x, y = random.multivariate_normal([0, 0], [[1, linear], [linear, 1]], 20).T
        r, low, high = statistics.spearman(x, y)
        assert r == pytest.approx(stats.spearmanr(x, y).statistic)
        covered += low <= truth <= high
    assert 0.93 <= covered / 1000 <= 0.98


def test_a_setting_that_diverged_counts_as_the_worst() -> None:
    expected, low, high = search.expected_best(np.array([4.0, math.inf, 2.0, 8.0]), worst=10.0)
    np.testing.assert_allclose(expected, statistics.best_of(np.array([4.0, 10.0, 2.0, 8.0])))
    assert expected[-1] == 2.0
    assert (low <= expected + 1e-9).all()
    assert (expected <= high + 1e-9).all()
    assert high[-1] > low[-1] == 2.0


def test_best_of_k_works_on_many_samples_at_once() -> None:
    values = np.random.default_rng(0).random((BOOTSTRAPS, 7))
    np.testing.assert_allclose(statistics.best_of(values)[5], statistics.best_of(values[5]))


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    return figure


def test_the_budget_figure_shows_number_and_time(records: Records, curves: pd.DataFrame) -> None:
    number, time = drawn(search_budget(records, curves, {})).axes
    ends = {line.get_label(): line.get_xydata()[-1].tolist() for line in number.lines}  # type: ignore[index]
    assert ends == {"wgan": [SETTINGS, 2.0], "mlp_bce": [SETTINGS, 5.0]}
    assert [line.get_xdata()[-1] for line in time.lines] == [2 * SETTINGS] * 2  # type: ignore[index]
    assert len(number.collections) == 2


def test_the_field_figure_has_a_panel_a_field(records: Records, curves: pd.DataFrame) -> None:
    left, right = drawn(search_fields(records, curves, {})).axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("clip", "lr")
    assert left.get_title(loc="left").startswith("ρ = ")
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    crosses = [
        point for line in left.lines if line.get_marker() == "x" for point in line.get_xydata()
    ]  # type: ignore[union-attr]
    assert [point[0] for point in crosses] == [clip(LOST)]


def test_without_a_search_nothing_is_added(quick: Store, written: object) -> None:
    plain = reading.read(RecordStore(quick.uri), "quick")
    curves = frames.curves(RecordStore(quick.uri), plain)
    assert plain.search.empty
    assert "trial/searched" not in plain.trials
    assert search_tables.settings(plain, curves) is None
    assert search_tables.influence(plain) is None
    assert search_budget(plain, curves, {}) is None
    assert search_fields(plain, curves, {}) is None


def test_the_whole_analysis_has_the_search(store: Store, tmp_path: Path) -> None:
    comparison = compare("tuned", store.uri, tmp_path)
    assert "_s0" not in comparison.verdict + comparison.table
    names = {path.name for path in comparison.files}
    assert {"search_budget.png", "search_fields.png"} <= names
    page = (tmp_path / "index.html").read_text()
    assert all(text in page for text in ("What the search chose", "What more settings buy"))
    tree = json.loads((tmp_path / "table.json").read_text())
    assert [line["chosen"] for line in tree["search"]] == [0, BEST]
    assert len(tree["search"][1]["fresh"]) == 3


def test_a_field_may_be_a_text_or_a_truth(
    store: Store, records: Records, curves: pd.DataFrame
) -> None:
    runs = [
        run for run in RecordStore(store.uri).experiment("tuned").runs  # type: ignore[union-attr]
        if run.params["variant"] in {f"wgan_s{number:02d}" for number in range(SETTINGS)}
    ]  # fmt: skip
    for run in runs:
        odd = int(run.params["setting"]) % 2
        run.params.update(network="mlp" if odd else "conv", norm="true" if odd else "false")
    settings = search.frame(runs)
    assert search.fields(settings) == ["clip", "lr", "network", "norm"]
    assert set(search.influence(settings)["field"]) == {"clip", "lr", "norm"}
    tree = search_tables.json_rows(replace(records, search=settings), curves)
    changes = json.loads(json.dumps(tree))[0]["changes"]
    assert (changes["network"], changes["norm"]) == ("conv", False)
    labels = drawn(search_fields(replace(records, search=settings), curves, {})).axes[2]
    assert [text.get_text() for text in labels.get_xticklabels()] == ["conv", "mlp"]
    truths = drawn(search_fields(replace(records, search=settings), curves, {})).axes[3]
    assert [text.get_text() for text in truths.get_xticklabels()] == ["False", "True"]
