"""A trial that travels as files: it ends as one that stayed at home, and leaves nothing behind."""

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import safetensors.torch
import torch

from bench.datasets import files
from bench.executors import plan as planning
from bench.executors import time_slice
from bench.executors.builtin import ray
from bench.executors.plan import Planned
from bench.training import trial
from bench.trials import event_log, status
from bench.trials import experiment as experiments
from bench.variants import registry

SMALL = ("budget=192", "batch=32", "samples=100", "evaluations=2", "seeds=1")

PLUGIN = '''
"""Goes wrong at its third step where that is its name (2026)."""
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("{name}")
class Carried(MLPBCE):
    """Goes wrong."""
    def step(self, batch):
        if "{name}" == "wrong" and batch.index == 2:
            raise KeyError("no such key")
        return super().step(batch)
'''


@pytest.fixture
def elsewhere(own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a machine's temporary files go."""
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "machine"))
    (tmp_path / "machine").mkdir()
    return tmp_path / "machine"


def planned(*overrides: str, variant: str = "mlp_bce", plugins: tuple[Path, ...] = ()) -> Planned:
    chosen = experiments.select(experiments.load("quick", [*SMALL, *overrides]), [variant], None)
    (item,) = planning.plan(chosen)
    planning.prepare([item], chosen, plugins)
    return item


def advance(item: Planned, bundle: time_slice.Bundle, seconds: float) -> int:
    """Send the trial out until it has ended; how many time slices it took."""
    for slices in range(1, 100):
        news = time_slice.train(ray._files(item.folder), bundle, str(item.folder), seconds)
        ray._write(item.folder, news)
        if item.status.status != "running":
            return slices
    raise AssertionError("it never ends")


def metrics(folder: Path) -> dict[tuple[int, str], float]:
    """Every number of the event log but the clock's."""
    return {
        (entry["step"], name): value
        for entry, _ in event_log.read(folder / "journal.jsonl")
        for name, value in entry.get("metrics", {}).items()
        if not any(word in name for word in ("seconds", "_per_s", "mem"))
    }


def test_in_slices_of_a_step_it_ends_with_the_same_bits(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = planned()
    trial.run(item.folder)
    expected = metrics(item.folder), files.digest_of(item.folder / "generator.safetensors")
    for file in [*item.folder.glob("*.json*"), *item.folder.glob("*.safetensors")]:
        if file.name != "trial.json":
            file.unlink()
    slices = advance(item, time_slice.bundle(["mnist"]), seconds=0.0)
    assert slices == 7  # six steps, and what is due after the last
    again = metrics(item.folder), files.digest_of(item.folder / "generator.safetensors")
    assert again == expected
    events = [entry for entry, _ in event_log.read(item.folder / "journal.jsonl")]
    assert [e["status"] for e in events if e["event"] == "end"] == ["done"]
    logged = Counter((e["event"], e.get("step"), *sorted(e.get("metrics", ()))) for e in events)
    assert max(n for (event, *_), n in logged.items() if event == "metrics") == 1
    assert item.status.status == "done"
    assert not list(item.folder.glob("*checkpoint*"))
    assert list(elsewhere.glob("ganbench*")) == []


def test_a_time_slice_that_is_lost_changes_nothing(elsewhere: Path) -> None:
    """What comes back is all that comes back: the same time slice can be sent out again."""
    item = planned()
    bundle = time_slice.bundle(["mnist"])
    sent = ray._files(item.folder)
    lost = time_slice.train(sent, bundle, str(item.folder), seconds=0.0)
    assert json.loads(lost["status.json"])["status"] == "running"
    assert any(name.startswith("checkpoint-") for name in lost)
    assert not (item.folder / "journal.jsonl").exists()
    assert item.status == status.Status()
    again = time_slice.train(sent, bundle, str(item.folder), seconds=0.0)
    (name,) = [name for name in lost if name.endswith(".safetensors")]
    first, second = safetensors.torch.load(lost[name]), safetensors.torch.load(again[name])
    assert all(torch.equal(second[part], tensor) for part, tensor in first.items())


def test_the_record_says_where_it_was_trained(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = planned()
    before = json.loads((item.folder / "trial.json").read_text())
    there = {**before["recorded"]["environment"], "processor": "another one"}
    monkeypatch.setattr(time_slice, "environment", lambda: there)
    advance(item, time_slice.bundle(["mnist"]), seconds=60.0)
    after = json.loads((item.folder / "trial.json").read_text())
    assert after["recorded"].pop("environment") == there
    del before["recorded"]["environment"]
    assert after == before


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_a_plugin_is_carried_along(
    name: str, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / f"{name}.py"
    plugin.write_text(PLUGIN.format(name=name))
    monkeypatch.setattr(registry._VARIANTS, "_things", dict(registry._VARIANTS._things))
    registry.load_plugin(plugin)
    item = planned(variant=name, plugins=(plugin,))
    bundle = time_slice.bundle(["mnist"])
    plugin.unlink()
    del registry._VARIANTS._things[name]  # as in the process of another machine
    advance(item, bundle, seconds=0.0)
    assert item.status.status == ("done" if name == "right" else "failed")
    if name == "wrong":
        assert f"the traceback is in {item.folder / 'error.txt'}" in str(item.status.reason)
        assert "KeyError" in (item.folder / "error.txt").read_text()
