"""Which runs count, which are left out and why; what is refused."""

from pathlib import Path

import pandas as pd
import pytest

from bench.analysis import records
from bench.errors import UserError
from bench.tracking.reading import RecordStore

from .synthetic import DIGITS, FLOOR, RULER, Store


def read(store: Store, name: str = "quick") -> records.Records:
    return records.read(RecordStore(store.uri), name)


def of(found: records.Records, row: str) -> pd.DataFrame:
    return found.trials[found.trials[records.ROW] == row]


def test_an_experiment_is_read_whole(quick: Store) -> None:
    found = read(quick)
    assert found.rows == ["batchnorm_dropout", "mlp_bce", "spectral_norm", "wgan"]
    assert of(found, "wgan")[["seed", "status"]].to_records(index=False).tolist() == [
        (0, "done"), (1, "done"), (2, "diverged")
    ]  # fmt: skip
    assert (found.evaluator, found.floor, found.notes) == (RULER, FLOOR | DIGITS, ())
    assert [row["row"] for row in found.calibration][-1] == "uniform noise"
    trial = of(found, "mlp_bce").iloc[1]
    assert (trial["trial/missing"], trial["lr"]) == ("4 9", "0.0002")
    assert trial["best/images"] > 0


def test_a_diverged_trial_has_no_final_values_but_its_reason(quick: Store) -> None:
    trial = of(read(quick), "wgan").iloc[2]
    assert trial.filter(regex="^(final|best)/").isna().all()
    assert trial["cost/seconds"] > 0
    assert "not finite" in trial["trial/reason"]


def test_runs_of_another_protocol_are_left_out_and_counted(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0)
    sweep.trial("wgan", 1, protocol="0ther")
    found = read(store)
    assert list(found.trials["seed"]) == [0]
    assert found.notes == (
        "1 run was made under another protocol and left out (the current one is a1b2c3d4).",
    )


def test_the_newest_finished_run_of_a_key_counts(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0, key="same")
    newest = sweep.trial("wgan", 0, key="same")
    sweep.trial("wgan", 0, "running", key="same")
    found = read(store)
    assert list(found.trials.index) == [newest]
    assert found.notes == ("1 finished run is left out: of each trial the newest run counts.",)


def test_trials_without_a_result_are_counted_apart(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0)
    for seed, status in enumerate(("failed", "failed", "interrupted", "running"), 1):
        sweep.trial("wgan", seed, status)
    assert read(store).notes == (
        "Not counted because they have no result: 2 failed, 1 interrupted, 1 running.",
    )


def test_one_variant_in_two_configurations_makes_two_rows(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0, clip="0.01")
    sweep.trial("wgan", 0, clip="0.1")
    assert read(store).rows == ["wgan (clip=0.01)", "wgan (clip=0.1)"]


def test_trials_of_two_versions_of_a_variant_are_told(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0)
    sweep.trial("wgan", 1, source="edited")
    assert read(store).notes == ("The trials of wgan come from 2 versions of its code.",)


def test_a_file_that_a_variant_inherits_from_counts_as_its_code(store: Store) -> None:
    """Where it is known: a record of an older ganbench holds the digest of one file only."""
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0)
    sweep.trial("wgan", 1, code="{}")
    sweep.trial("spectral_norm", 0, code='{"bench/nn": "a"}')
    sweep.trial("spectral_norm", 1, code='{"bench/nn": "b"}')
    assert read(store).notes == ("The trials of spectral_norm come from 2 versions of its code.",)


def test_two_rulers_are_refused_by_name(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0)
    sweep.trial("wgan", 1, ruler="digits-v2-99999999")
    with pytest.raises(UserError, match=f"{RULER} and digits-v2-99999999.*under one evaluator"):
        read(store)


def test_an_unknown_experiment_is_answered_with_the_closest(quick: Store) -> None:
    with pytest.raises(UserError, match=r"did you mean 'quick'\? .*run its file again"):
        read(quick, "qiuck")


def test_an_empty_store_says_how_to_fill_it(empty_store: Store) -> None:
    with pytest.raises(UserError, match="nor any other. To make it, run `ganbench run quick`"):
        read(empty_store)


def test_nothing_finished_yet_tells_the_states(store: Store) -> None:
    store.sweep("quick").trial("wgan", 0, "running")
    with pytest.raises(UserError, match=r"No run of 'quick' is finished yet .*1 running"):
        read(store)


def test_a_missing_store_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no records at .*`ganbench run quick`"):
        RecordStore(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(UserError, match=f"{path} cannot be read .*check its address"):
        RecordStore(f"sqlite:///{path}")


def test_a_step_that_was_sent_twice_counts_once(quick: Store) -> None:
    store = RecordStore(quick.uri)
    run_id = records.read(store, "quick").trials.index[0]
    steps = [step for step, _ in store.curve(run_id, "eval/fid")]
    assert steps == sorted(set(steps)) == [0, 1600, 3200, 4800, 6400]
    assert [picture.step for picture in store.pictures(run_id)] == steps
