"""A full disk: a sentence, exit 3, and once there is room the same command ends as ever."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.executors import plan as planning
from bench.executors.plan import Planned
from bench.executors.run import _closed
from bench.training import trial
from bench.trials import experiment as experiments

from . import disks
from .sweeps import Sweep
from .zygote import Zygote

pytestmark = pytest.mark.skipif(disks.refused() is not None, reason=disks.refused() or "")

SETTINGS = ["budget=320", "batch=32", "samples=100", "evaluations=2", "seeds=1"]


@pytest.fixture
def disk(mnist_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store on a file system that has room for no checkpoint."""
    with disks.small(tmp_path / "disk", "8m") as folder:
        for shared in ("data", "reference"):
            (folder / shared).symlink_to(mnist_store / shared)
        monkeypatch.setenv("GANBENCH_STORE", str(folder))
        yield folder


def _trial() -> Planned:
    chosen = experiments.select(experiments.load("quick", SETTINGS), ["mlp_bce"], None)
    (item,) = planning.plan(chosen)
    planning.prepare([item], chosen, ())
    return item


def _weights(item: Planned) -> str:
    return hashlib.sha256((item.folder / "generator.safetensors").read_bytes()).hexdigest()


def test_a_full_disk_fails_a_trial_in_a_sentence_and_loses_nothing(disk: Path) -> None:
    item = _trial()
    assert trial.run(item.folder) == "failed"
    assert "(the disk is full): free some space" in str(item.status.reason)
    disks.resize(disk, "200m")
    assert trial.run(item.folder) == "done"
    disturbed = _weights(item)
    shutil.rmtree(item.folder)
    item = _trial()
    assert trial.run(item.folder) == "done"
    assert _weights(item) == disturbed


def test_a_disk_without_room_for_the_status_is_told_all_the_same(disk: Path) -> None:
    item = _trial()
    balloon = disks.fill(disk)
    assert trial.run(item.folder) == "failed"
    assert item.status.status == "pending"
    standing = _closed(item, stopped=False)
    assert standing.status == "failed"
    assert "(the disk is full): free some space" in str(standing.reason)
    balloon.unlink()
    disks.resize(disk, "200m")
    assert trial.run(item.folder) == "done"


def test_a_read_only_store_is_a_sentence(disk: Path) -> None:
    disks.read_only(disk)
    with pytest.raises(UserError, match=r"\(Read-only file system\): make it writable"):
        _trial()


def a_sweep_on_a_disk_that_fills_up(
    start: Zygote, folder: Path, mnist: Path, reference: Path
) -> str:
    """The whole command on 24 MB, then on 500 MB; what happened, in a clause."""
    with disks.small(folder, "24m"):
        sweep = Sweep(
            start, folder / "sweep", mnist, reference, "mlp_bce,wgan", seeds=1, budget=640
        )
        (sweep.store / "data").mkdir()
        (sweep.store / "data" / "mnist").symlink_to(mnist)
        first = sweep.finish()
        assert first == 3, sweep.log
        assert "the disk is full" in sweep.log
        assert "Traceback" not in sweep.log
        disks.resize(folder, "500m")
        second = sweep.finish()
        assert second == 0, sweep.log
        states = [json.loads(p.read_text())["status"] for p in sweep.trials.glob("*/status.json")]
        assert states == ["done", "done"]
    return "24 MB: exit 3 and a sentence; the same command on 500 MB: exit 0, both trials done"
