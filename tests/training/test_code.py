"""What trains is the code that was planned, and a checkpoint of other code is not continued."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.executors import plan as planning
from bench.executors.plan import Planned
from bench.training import checkpoint, trainer, trial
from bench.trials import event_log
from bench.variants import code, registry

from .conftest import After, MakeTrial

PLUGIN = '''
"""Says which version of its file it is (2026)."""
import sys
import torch
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE
{more}

@register("versioned")
class Versioned(MLPBCE):
    """Versioned."""
    def step(self, batch):
        return super().step(batch) | {{"version": torch.tensor({version})}}
'''
NEIGHBOUR = "sys.path.insert(0, {folder!r}); import neighbour_of_versioned; sys.path.pop(0)"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes this process one that has loaded no plug-in, as a worker is."""
    registry.names()
    things = registry._VARIANTS.loaded
    shipped = {n: v for n, v in things.items() if n != "versioned"}

    def forget() -> None:
        monkeypatch.setattr(registry._VARIANTS, "_things", dict(shipped))
        monkeypatch.setattr(registry, "_TEXTS", {})
        for name in ("_imported", "_beside"):
            held = getattr(code, name)
            monkeypatch.setattr(code, name, {m: v for m, v in held.items() if m[:5] == "bench"})
        for module in list(sys.modules):
            if module.startswith(("ganbench_plugin_", "neighbour_of")):
                monkeypatch.delitem(sys.modules, module)

    forget()
    return forget


def write(path: Path, version: float, more: str = "") -> Path:
    path.write_text(PLUGIN.format(version=version, more=more))
    return path


def versions(item: Planned) -> set[float]:
    """Those that the trial's record is of."""
    entries = [entry for entry, _ in event_log.read(item.folder / "journal.jsonl")]
    named = [entry.get("metrics", {}).get("train/version") for entry in entries]
    return {version for version in named if version is not None}


@pytest.fixture
def planned(fresh: Callable[[], None], make_trial: MakeTrial) -> Callable[[Path], Planned]:
    """Plans the trial of a plug-in as the command does; then the process is a worker's."""

    def plan(path: Path) -> Planned:
        fresh()
        registry.load_plugin(path)
        item = make_trial("versioned", "evaluations=1", plugins=(path,))
        fresh()
        return item

    return plan


Plan = Callable[[Path], Planned]


def test_a_plugin_edited_after_the_planning_trains_as_planned(
    planned: Plan, after: After, tmp_path: Path
) -> None:
    item = planned(write(tmp_path / "mine.py", 1.0))
    write(tmp_path / "mine.py", 2.0)
    assert trial.run(item.folder, after(3)) == "interrupted"
    assert versions(item) == {1.0}
    (tmp_path / "mine.py").unlink()
    assert trial.run(item.folder, after(5)) == "interrupted"
    assert versions(item) == {1.0}


def test_a_plugin_edited_before_the_planning_is_read_once(
    fresh: Callable[[], None], make_trial: MakeTrial, after: After, tmp_path: Path
) -> None:
    """What is recorded is what this process imported, not what the file holds a moment later."""
    path = write(tmp_path / "mine.py", 1.0)
    registry.load_plugin(path)
    digest = registry.digests("versioned")["mine.py"]
    write(path, 2.0)
    item = make_trial("versioned", "evaluations=1", plugins=(path,))
    recorded = json.loads((item.folder / "trial.json").read_text())["recorded"]
    assert recorded["source"] == recorded["code"]["mine.py"] == digest
    assert recorded["plugin_texts"] == {str(path): PLUGIN.format(version=1.0, more="")}


def test_a_checkpoint_of_other_code_is_not_continued(
    planned: Plan, after: After, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "mine.py", 1.0)
    assert trial.run(planned(path).folder, after(7)) == "interrupted"
    item = planned(write(path, 2.0))
    assert trial.run(item.folder, after(4)) == "interrupted"
    assert versions(item) == {2.0}
    assert capsys.readouterr().err == (
        "versioned seed 0: the code has changed since its checkpoint (mine.py): the trial starts "
        "from the beginning.\n"
    )
    assert trial.run(planned(path).folder, after(9)) == "interrupted"
    assert capsys.readouterr().err == "", "the code is the same: it resumes"


def test_lines_of_other_code_without_a_checkpoint_do_not_stay(
    planned: Plan, after: After, tmp_path: Path
) -> None:
    """As a trial leaves them that was killed before its first checkpoint."""
    path = write(tmp_path / "mine.py", 1.0)
    item = planned(path)
    assert trial.run(item.folder, after(7)) == "interrupted"
    checkpoint.clear(item.folder)
    item = planned(write(path, 2.0))
    assert trial.run(item.folder, after(4)) == "interrupted"
    assert versions(item) == {2.0}


def test_a_file_that_the_plugin_imports_counts(planned: Plan, after: After, tmp_path: Path) -> None:
    more, other = NEIGHBOUR.format(folder=str(tmp_path)), tmp_path / "neighbour_of_versioned.py"
    other.write_text("x = 1")
    item = planned(write(tmp_path / "mine.py", 1.0, more))
    other.write_text("x = 22")
    assert trial.run(item.folder, after(3)) == "failed"
    assert item.status.reason == (
        "The code of 'versioned' has changed since the sweep began (neighbour_of_versioned.py): "
        "run the same command again, which trains this trial with the code as it is now."
    )
    item = planned(tmp_path / "mine.py")
    assert trial.run(item.folder, after(3)) == "interrupted"


@pytest.mark.parametrize("file", ["bench/variants/mlp_bce.py", "bench/nn"])
def test_a_file_of_the_package_that_changed_since_the_planning(
    file: str, make_trial: MakeTrial
) -> None:
    """Of which batchnorm_dropout inherits, or is built."""
    item = make_trial("batchnorm_dropout")
    path = item.folder / "trial.json"
    record = json.loads(path.read_text())
    record["recorded"]["code"][file] = "of another text"
    path.write_text(json.dumps(record))
    assert trial.run(item.folder) == "failed"
    assert f"has changed since the sweep began ({file})" in str(item.status.reason)


def test_a_checkpoint_of_an_older_ganbench_is_resumed(
    make_trial: MakeTrial, after: After, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says nothing of the code, and holds no attributes of the variant."""
    item = make_trial("mlp_bce", "evaluations=1")
    assert trial.run(item.folder, after(7)) == "interrupted"
    saved = checkpoint.load(item.folder, print)
    assert saved is not None
    del saved[1]["code"], saved[1]["algorithm"]["attributes"]
    checkpoint.save(item.folder, *saved)
    taken: list[int] = []
    assert trial.run(item.folder, lambda: taken.append(1) or len(taken) > 3) == "interrupted"  # type: ignore[func-returns-value]
    assert [p.stem for p in sorted(item.folder.glob("checkpoint-*.json"))] == [
        "checkpoint-000000007", "checkpoint-000000010"
    ]  # fmt: skip
    assert capsys.readouterr().err == ""


def test_the_record_of_a_trial_is_that_of_its_own_training(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though another sweep has planned it again with other code meanwhile."""
    item = make_trial("mlp_bce", "evaluations=1")
    path = item.folder / "trial.json"
    before = json.loads(path.read_text())
    finish = trainer.Trainer.finish

    def planned_again(self: trainer.Trainer) -> None:
        path.write_text(json.dumps(before | {"recorded": {"source": "of another text"}}))
        finish(self)

    monkeypatch.setattr(trainer.Trainer, "finish", planned_again)
    assert trial.run(item.folder) == "done"
    assert json.loads(path.read_text()) == before


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"code": None}, []),  # as an older ganbench left it
        ({"code": None, "source": "another"}, ["batchnorm_dropout"]),
        ({"code": {"bench/nn": "another"}}, ["batchnorm_dropout"]),
    ],
)
def test_a_trial_of_older_code_is_pointed_out(
    change: dict[str, object], expected: list[str], make_trial: MakeTrial
) -> None:
    item = make_trial("batchnorm_dropout")
    path = item.folder / "trial.json"
    record = json.loads(path.read_text())
    recorded = record["recorded"] | change
    record["recorded"] = {key: value for key, value in recorded.items() if value is not None}
    path.write_text(json.dumps(record))
    event_log.EventLog(item.folder).end("done")
    item.status.write(item.folder)
    assert item.ended
    assert planning.outdated([item]) == expected


def test_a_plugin_of_another_text_takes_the_place_of_the_first(
    fresh: Callable[[], None], tmp_path: Path
) -> None:
    path = write(tmp_path / "mine.py", 1.0)
    registry.load_plugin(path)
    first = registry.digests("versioned")
    registry.load_plugin(write(path, 2.0))
    assert code.changed(first, registry.digests("versioned")) == "mine.py"
    registry.load_plugin(path, PLUGIN.format(version=1.0, more=""))
    assert registry.digests("versioned") == first


def test_the_digest_of_the_defining_file_comes_first() -> None:
    """Old records hold that one only."""
    for name in ("mlp_bce", "batchnorm_dropout", "wgan", "spectral_norm"):
        digests = registry.digests(name)
        content = registry.source(name).read_bytes()
        assert next(iter(digests.values())) == hashlib.sha256(content).hexdigest()
        assert digests.keys() >= {f"bench/variants/{name}.py", "bench/variants/contract.py"}
    assert "bench/nn/pairs.py" in registry.digests("spectral_norm")


def test_an_unreadable_plugin(tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'é'".encode("latin-1"))
    with pytest.raises(UserError, match="is not UTF-8 text"):
        registry.load_plugin(path)
