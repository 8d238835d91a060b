"""An experiment's records in one file: packed, brought into a store, put together, refused."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.tracking import archive, experiments
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import publish
from bench.tracking.reading import RecordStore
from bench.trials import event_log, status

from .synthetic import Trial

Content = dict[str, bytes]


@pytest.fixture
def packed(home: Path, about: ExperimentRecord, tmp_path: Path) -> Path:
    """An archive of two trials, with nothing else in the store it comes from."""
    trials = [Trial(home, seed=seed).points().finish() for seed in (0, 1)]
    experiments.write("quick", replace(about, keys=[trial.key for trial in trials]))
    path = tmp_path / "quick.zip"
    assert archive.export("quick", path) == 2
    return path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another store, which is the present one from when the test asks for it."""
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path / "other"))
    return tmp_path / "other"


def repacked(path: Path, change: Callable[[Content], object], *, honest: bool = True) -> Path:
    """The archive after ``change``; an honest one has a manifest that fits."""
    with zipfile.ZipFile(path) as source:
        content = {name: source.read(name) for name in source.namelist()}
    change(content)
    if honest and "manifest.json" in content:
        manifest = json.loads(content["manifest.json"])
        manifest["files"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in content.items()
            if name != "manifest.json"
        }
        content["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as target:
        for name, data in content.items():
            target.writestr(name, data)
    return path


def test_what_is_imported_is_what_was_recorded(packed: Path, home: Path, elsewhere: Path) -> None:
    brought = archive.bring(packed)
    assert (brought.name, brought.added, brought.present) == ("quick", 2, 0)
    for folder in (elsewhere / "trials").iterdir():
        before = home / "trials" / folder.name
        assert status.over(folder)
        assert (folder / "trial.json").read_bytes() == (before / "trial.json").read_bytes()
        entries, kept = (
            [entry for entry, _ in event_log.read(place / "journal.jsonl")]
            for place in (before, folder)
        )
        assert kept == [
            entry for entry in entries if entry.get("file", "samples/6400.png").endswith("6400.png")
        ]
        assert [path.name for path in (folder / "samples").iterdir()] == ["6400.png"]


def test_mlflow_shows_what_was_imported(packed: Path, elsewhere: Path, uri: str) -> None:
    archive.bring(packed)
    uri = f"sqlite:///{elsewhere}/mlflow/mlflow.db"
    assert publish(uri, "quick", report=lambda line: None) == 2
    experiment = RecordStore(uri).experiment("quick")
    assert experiment is not None
    assert sorted(run.metrics["final/fid"] for run in experiment.runs) == [10.0, 11.0]


def test_weights_on_request(packed: Path, home: Path, elsewhere: Path) -> None:
    archive.bring(packed)
    assert not list(elsewhere.rglob("generator.*"))


def test_with_weights(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.export("quick", packed, weights=True)
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path / "other"))
    archive.bring(packed)
    weights = list((tmp_path / "other").rglob("generator.safetensors"))
    assert [path.read_bytes() for path in weights] == [b"weights"] * 2


def test_importing_again_changes_nothing(packed: Path, elsewhere: Path) -> None:
    archive.bring(packed)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*.json*")}
    again = archive.bring(packed)
    assert (again.added, again.present) == (0, 2)
    kept = {path: path.stat().st_mtime_ns for path in before if "trials" in path.parts}
    assert kept.items() <= before.items()


def test_the_halves_of_two_machines_are_one_experiment(
    packed: Path, elsewhere: Path, about: ExperimentRecord
) -> None:
    mine = Trial(elsewhere, seed=2).points().finish()
    experiments.write("quick", replace(about, keys=[mine.key]))
    assert archive.bring(packed).added == 2
    assert len(experiments.read("quick").about.keys) == 3


def test_a_trial_begun_here_takes_the_result(packed: Path, elsewhere: Path) -> None:
    begun = Trial(elsewhere, seed=0).points(last=1)
    begun.status("interrupted")
    assert archive.bring(packed).added == 2
    assert status.over(begun.folder)


def test_other_settings_are_another_store(
    packed: Path, elsewhere: Path, about: ExperimentRecord
) -> None:
    experiments.write("quick", replace(about, protocol="other"))
    with pytest.raises(UserError, match=r"under other settings .* another store with --store\.$"):
        archive.bring(packed)
    assert not (elsewhere / "trials").exists()


def test_the_same_records_make_the_same_file(packed: Path) -> None:
    before = packed.read_bytes()
    archive.export("quick", packed)
    assert packed.read_bytes() == before


def one_of(content: Content, name: str) -> str:
    return min(file for file in content if file.endswith(name))


def cut_log(content: Content) -> None:
    name = one_of(content, "journal.jsonl")
    content[name] = content[name][: content[name].rindex(b"\n", 0, -1) + 1]


def other_seed(content: Content) -> None:
    name = one_of(content, "trial.json")
    content[name] = content[name].replace(b'"seed": ', b'"seed": 1')


REFUSED: dict[str, tuple[Callable[[Content], object], str]] = {
    "a way out": (lambda c: c.update({"trials/../../x": b""}), r"it holds a file 'trials/\.\./"),
    "an absolute path": (lambda c: c.update({"/etc/x": b""}), "it holds a file '/etc/x'"),
    "another kind of file": (lambda c: c.update({"x.py": b""}), "it holds a file 'x.py'"),
    "no manifest": (lambda c: c.pop("manifest.json"), "KeyError"),
    "no event log": (lambda c: c.pop(one_of(c, "journal.jsonl")), "KeyError"),
    "no picture": (lambda c: c.pop(one_of(c, ".png")), "the picture 'samples/6400.png' of trial"),
    "no end": (cut_log, "has no result"),
    "another identity": (other_seed, "has another key"),
    "a further trial": (
        lambda c: c.update({f"trials/{'0' * 64}/trial.json": b"{}"}),
        "its trials are not those of its experiment",
    ),
}


@pytest.mark.parametrize(("change", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_a_damaged_or_hostile_file_is_refused(
    change: Callable[[Content], object], problem: str, packed: Path, elsewhere: Path
) -> None:
    repacked(packed, change)
    with pytest.raises(UserError, match=f"{problem}.*nothing was imported; get the file again"):
        archive.bring(packed)
    assert not elsewhere.exists()


def test_code_that_comes_with_the_records_is_named(packed: Path, elsewhere: Path) -> None:
    def change(content: Content) -> None:
        name = one_of(content, "trial.json")
        record = json.loads(content[name])
        record["recorded"] |= {"plugins": ["/a/mine.py"], "plugin_texts": {"/a/mine.py": "x = 1"}}
        content[name] = json.dumps(record).encode()

    assert archive.bring(repacked(packed, change)).plugins == ("mine.py",)


def test_a_changed_byte(packed: Path, elsewhere: Path) -> None:
    def change(content: Content) -> None:
        content[one_of(content, "status.json")] += b" "

    repacked(packed, change, honest=False)
    with pytest.raises(UserError, match="a file is not what the manifest says"):
        archive.bring(packed)
    assert not elsewhere.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file"])
def test_no_zip(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(UserError, match="is damaged or was not made by `ganbench export`"):
        archive.bring(tmp_path / "x.zip")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file .*x\.zip: check the path\."):
        archive.bring(tmp_path / "x.zip")


def test_a_newer_format(packed: Path, elsewhere: Path) -> None:
    def change(content: Content) -> None:
        content["manifest.json"] = content["manifest.json"].replace(b'"format": 1', b'"format": 2')

    with pytest.raises(UserError, match=r"newer ganbench \(format 2, this one reads 1\)"):
        archive.bring(repacked(packed, change))


def test_nothing_to_export(home: Path, about: ExperimentRecord, tmp_path: Path) -> None:
    Trial(home).points(last=1).status("interrupted")
    experiments.write("quick", about)
    with pytest.raises(UserError, match="No trial of 'quick' has finished in this store"):
        archive.export("quick", tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_an_archive_that_is_too_large(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_BYTES", 100)
    with pytest.raises(UserError, match="holds more than 100 bytes: it is refused"):
        archive.bring(packed)
