"""A fresh run against a stored table: each verdict, each refusal, and what is printed of them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.analysis import agreement, records, render
from bench.analysis.data import Stored, read
from bench.analysis.verification import Verification, verify
from bench.errors import UserError
from bench.paths import home
from bench.tracking.reading import RecordStore

from .synthetic import VARIANTS, Store, Sweep

VerdictOf = dict[str, str]


@pytest.fixture
def kept(quick: Store, tmp_path: Path) -> Stored:
    """The table of the experiment "quick", as it would be committed."""
    path = tmp_path / "kept.json"
    path.write_text(render("quick", quick.uri, "json"))
    return read("quick", path)


@pytest.fixture
def fresh(store: Store) -> Callable[..., Sweep]:
    return lambda **about: store.sweep("quick", **about)


def held(store: Store, kept: Stored) -> Verification:
    return verify(records.read(RecordStore(store.uri), "quick"), kept)


def verdicts(found: Verification) -> VerdictOf:
    return {row.variant: row.verdict for row in found.rows}


def change(sweep: Sweep, run_id: str, factor: float) -> None:
    """Other hardware: all numbers of this run move a little, FID by ``factor``."""
    final = {
        name: value
        for name, value in sweep.client.get_run(run_id).data.metrics.items()
        if name.startswith("final/")
    }
    for name, value in final.items():
        moved = value * (factor if name == "final/fid" else 1.0001)
        sweep.client.log_metric(run_id, name, moved, timestamp=1_800_000_000_000, step=0)


def test_the_same_numbers_are_identical_and_the_rest_is_not_run(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    sweep = fresh()
    sweep.trial("spectral_norm", 0)
    sweep.trial("wgan", 2, "diverged")
    found = held(store, kept)
    assert verdicts(found) == {
        "spectral_norm": "identical", "wgan": "identical", "batchnorm_dropout": "not run",
        "mlp_bce": "not run",
    }  # fmt: skip
    assert {check.verdict for check in found.rows[0].measures.values()} == {"identical"}
    assert not found.differing
    assert agreement.verdict(found) == "2 of 4 rows were run again: 2 identical. No row differs."


def test_a_billionth_apart_is_identical_and_a_millionth_is_not(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    sweep = fresh()
    for variant, factor in (("spectral_norm", 1 + 1e-10), ("mlp_bce", 1 + 1e-6)):
        run_id = sweep.trial(variant, 0)
        fid = sweep.client.get_run(run_id).data.metrics["final/fid"]
        sweep.client.log_metric(run_id, "final/fid", fid * factor, 1_800_000_000_000, 0)
    found = verdicts(held(store, kept))
    assert (found["spectral_norm"], found["mlp_bce"]) == ("identical", "agrees")


def test_new_seeds_of_the_same_code_agree(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    sweep = fresh()
    for variant in VARIANTS:
        sweep.trial(variant, 4)
    found = held(store, kept)
    assert set(verdicts(found).values()) == {"agrees"}
    assert found.level == pytest.approx(1 - 0.05 / 4)
    assert agreement.verdict(found).endswith("4 in agreement. No row differs.")


def test_repeats_are_no_evidence_beside_new_seeds(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    """Three runs again, bit for bit, and one far off: the three must not hide the one."""
    sweep = fresh()
    for seed in range(3):
        sweep.trial("spectral_norm", seed)
    change(sweep, sweep.trial("spectral_norm", 3), 4.0)
    (row,) = [row for row in held(store, kept).rows if row.verdict != "not run"]
    assert (row.repeats, row.new_finished, row.verdict) == (3, 1, "differs")


def test_a_mean_outside_its_interval_differs_and_is_told(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    sweep = fresh()
    for variant, factor in (("spectral_norm", 3.0), ("mlp_bce", 1.0001)):
        change(sweep, sweep.trial(variant, 0), factor)
    found = held(store, kept)
    assert found.differing
    assert (verdicts(found)["spectral_norm"], verdicts(found)["mlp_bce"]) == ("differs", "agrees")
    text = agreement.text(found)
    assert "| spectral_norm | **differs** | 3 | 1 new |" in text
    assert "* spectral_norm: FID 13." in text
    assert "1 in agreement, 1 different. Rows that differ: spectral_norm." in text
    fid = found.rows[0].measures["fid"]
    assert fid.low is not None
    assert fid.high is not None
    assert fid.low < (fid.stored.mean or 0) < fid.high < (fid.fresh.mean or 0)


def test_values_without_spread_agree_only_with_themselves(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    """Ten modes in each of three seeds say nothing about how likely nine are."""
    sweep = fresh()
    for variant, modes in (("spectral_norm", 10.0), ("mlp_bce", 9.0)):
        run_id = sweep.trial(variant, 6)
        sweep.client.log_metric(run_id, "final/modes", modes, 1_800_000_000_000, 0)
    checks = {
        row.variant: {name: check.verdict for name, check in row.measures.items()}
        for row in held(store, kept).rows
    }
    assert checks["spectral_norm"]["modes"] == "agrees"
    assert checks["mlp_bce"]["modes"] == "too few"
    assert checks["mlp_bce"]["fid"] == "agrees"


def test_one_stored_seed_is_too_few(
    store: Store, fresh: Callable[..., Sweep], empty_store: Store, tmp_path: Path
) -> None:
    sweep = fresh()
    sweep.trial("wgan", 0)
    path = tmp_path / "kept.json"
    path.write_text(render("quick", store.uri, "json"))
    for seed in (1, 2):
        sweep.trial("wgan", seed)
    found = held(store, read("quick", path))
    assert verdicts(found) == {"wgan": "too few"}
    assert "1 with too few seeds to tell. No row differs." in agreement.text(found)
    assert "* Too few: there is no interval." in agreement.text(found)


def test_divergence_is_judged_by_counts(
    store: Store, fresh: Callable[..., Sweep], tmp_path: Path
) -> None:
    sweep = fresh()
    for seed in range(6):
        sweep.trial("wgan", seed)
        sweep.trial("mlp_bce", seed)
    path = tmp_path / "kept.json"
    path.write_text(render("quick", store.uri, "json"))
    for seed in range(6, 12):
        sweep.trial("wgan", seed, "diverged")
    sweep.trial("mlp_bce", 6, "diverged")
    found = held(store, read("quick", path))
    assert verdicts(found) == {"wgan": "differs", "mlp_bce": "too few"}
    assert "wgan: 6 of 6 new trials diverged, and 0 of 6 stored ones" in agreement.text(found)


def test_json_holds_the_same_unrounded(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    sweep = fresh()
    sweep.trial("spectral_norm", 0)
    change(sweep, sweep.trial("spectral_norm", 1), 9.0)
    found = held(store, kept)
    tree = json.loads(agreement.json_text(found))
    (row,) = [row for row in tree["rows"] if row["verdict"] != "not run"]
    assert tree["differs"]
    assert (row["variant"], row["repeats"], row["new_finished"]) == ("spectral_norm", 1, 1)
    assert row["measures"]["fid"]["fresh"]["mean"] > row["measures"]["fid"]["high"]


def test_another_configuration_is_no_row_of_the_table(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    sweep = fresh()
    sweep.trial("wgan", 0, clip="0.1")
    with pytest.raises(UserError, match=r"No fresh run is of a row .*clip 0.01 there and 0.1 here"):
        held(store, kept)
    sweep.trial("mlp_bce", 0)
    sweep.trial("mine", 0)
    found = held(store, kept)
    assert verdicts(found)["wgan"] == "not run"
    assert "* mine is not in the stored table." in agreement.text(found)


def test_two_rulers_are_refused_by_name(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    fresh(evaluator="digits-v2-99999999").trial("wgan", 0)
    with pytest.raises(UserError, match=r"by digits-v1-0a1b2c3d/.* by digits-v2-99999999/"):
        held(store, kept)


def test_two_protocols_are_refused_by_name(
    store: Store, fresh: Callable[..., Sweep], kept: Stored
) -> None:
    fresh(protocol="ffffffff").trial("wgan", 0, budget="12800")
    with pytest.raises(
        UserError, match=r"a1b2c3d4 .* ffffffff \(budget 6400 there and 12800 here\), so"
    ):
        held(store, kept)


def test_the_very_runs_of_the_table_are_no_check_of_it(quick: Store, kept: Stored) -> None:
    with pytest.raises(
        UserError, match=r"made of the very runs .*`ganbench run quick --store DIR`"
    ):
        held(quick, kept)


@pytest.mark.parametrize(("name", "seeds"), [("quick", 3), ("paper", 8)])
def test_the_tables_in_results_can_be_read(name: str, seeds: int) -> None:
    """Also those whose pairs are of an earlier kind of test: only the trials' numbers are used."""
    kept = read(name, home() / "results" / name / "table.json")
    assert len(kept.rows) == 4
    assert all(row.final("fid").n == seeds for row in kept.rows)


def test_nothing_stored_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.paths.home", lambda: tmp_path)
    with pytest.raises(
        UserError, match=r"no stored table to compare 'quick' with .*--against FILE"
    ):
        read("quick")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"variants": [{"final": 3}]}', "\xff"])
def test_a_damaged_table_is_said(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"table.json cannot be read as a stored table .*another"):
        read("quick", path)


def test_the_committed_table_counts_and_not_the_file_that_a_fresh_run_wrote(
    quick: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.paths.home", lambda: tmp_path)
    path = tmp_path / "results" / "quick" / "table.json"
    path.parent.mkdir(parents=True)
    path.write_text(render("quick", quick.uri, "json"))
    assert read("quick").source == str(path)
    who = ["-c", "user.name=me", "-c", "user.email=me@here"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "results"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    path.write_text(path.read_text().replace("a1b2c3d4", "ffffffff"))
    kept = read("quick")
    assert (kept.source, kept.protocol) == ("results/quick/table.json as committed", "a1b2c3d4")
    assert read("quick", path).protocol == "ffffffff"
