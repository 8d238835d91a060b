"""A trial's record: written and read by its own methods, whatever version wrote it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.trials import Trial, TrialRecord
from bench.trials import experiment as experiments
from bench.trials.record import SCHEMA

# As the version before wrote it: without a schema, plug-in texts or digests of the code.
OLD = {
    "key": "f" * 64,
    "identity": {
        "variant": "wgan",
        "configuration": {"latent": 100, "n_critic": 5, "clip": 0.01, "lr": 5e-05},
        "dataset": "0fa6d656",
        "seed": 3,
        "budget": 192000,
        "protocol": {"batch": 64, "evaluations": 5, "samples": 10000, "test": "test"},
        "ruler": "digits-v1-983126de",
    },
    "recorded": {
        "experiment": "budget = 192000\n",
        "plugins": ["/somewhere/mine.py"],
        "environment": {"python": "3.11.7"},
        "commit": "0" * 40,
        "dirty": False,
        "measure": "digits-v1-983126de/penultimate/n10000/test",
        "source": "1" * 64,
    },
}


@pytest.fixture
def record(own_store: Path) -> TrialRecord:
    first = experiments.load("quick", ["budget=640"]).trials()[0]
    return TrialRecord(
        first,
        key=first.key,
        experiment="budget = 640\n",
        plugins={"/somewhere/mine.py": "text"},
        environment={"python": "3.11.7"},
        no_commit="git cannot be started",
        source="1" * 64,
        code={"bench/variants/wgan.py": "2" * 64},
    )


def test_what_is_written_is_read(record: TrialRecord, tmp_path: Path) -> None:
    record.write(tmp_path / "trial")
    assert TrialRecord.read(tmp_path / "trial") == record
    assert json.loads((tmp_path / "trial" / "trial.json").read_text())["schema"] == SCHEMA


def test_a_record_of_the_version_before_is_read_and_keeps_its_key(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text(json.dumps(OLD))
    old = TrialRecord.read(tmp_path)
    assert (old.key, old.trial.identity) == (OLD["key"], OLD["identity"])
    assert old.plugins == {"/somewhere/mine.py": None}
    assert (old.code, old.no_commit) == ({}, None)
    assert old.trial.measure == OLD["recorded"]["measure"]  # type: ignore[index]


def test_a_newer_record_is_refused_in_a_sentence(record: TrialRecord, tmp_path: Path) -> None:
    record.write(tmp_path)
    content = json.loads((tmp_path / "trial.json").read_text()) | {"schema": SCHEMA + 1}
    (tmp_path / "trial.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"by a newer ganbench \(schema 3, .*install that version"):
        TrialRecord.read(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"key": "", "identity": {}, "recorded": {}}'])
def test_a_damaged_record_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text(text)
    with pytest.raises(UserError, match=r"is missing or damaged .*: delete the folder and run"):
        TrialRecord.read(tmp_path)


@pytest.mark.parametrize("name", ["quick", "paper"])
def test_keys_are_those_of_every_version(name: str, own_store: Path) -> None:
    """A changed key would train every trial of every store again."""
    keys = {trial.title: trial.key for trial in experiments.load(name).trials()}
    table = json.loads((experiments.folder().parent / f"results/{name}/table.json").read_text())
    committed = {
        f"{row['variant']} seed {trial['seed']}": trial["key"]
        for row in table["variants"]
        for trial in row["trials"]
    }
    assert keys == committed


def test_another_protocol_is_another_trial(record: TrialRecord) -> None:
    other = record.trial.under(precision="bf16")
    assert (other.precision, record.trial.precision) == ("bf16", "fp32")
    assert other.key != record.trial.key
    assert other.protocol_id != record.trial.protocol_id
    assert replace(record.trial, seed=7).protocol_id == record.trial.protocol_id
    assert Trial.from_identity(other.identity) == other
