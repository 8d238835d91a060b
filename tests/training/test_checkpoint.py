"""Checkpoints: what is saved comes back, and whatever a kill or a bad disk leaves is survived."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.training import checkpoint

STATE: dict[str, Any] = {
    "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"lr": 1e-4, "w": None}]},
    "counts": {"d": 3},
    "seconds": 0.1 + 0.2,
}
# As every version so far has written it: the file of a trial that is not finished is still read.
SKELETON = {
    "dict": [
        ["algorithm", {"dict": [["x", {"tensor": "state.algorithm.x"}], [0, [1, {"dict": []}]]]}],
        ["journal", 120],
    ]
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, step, STATE | {"counts": {"d": step}})
    return tmp_path


def step_of(folder: Path) -> int | None:
    """Of the checkpoint that a trial would resume from."""
    loaded = checkpoint.load(folder, lambda line: None)
    assert loaded is None or loaded[0] == loaded[1]["counts"]["d"]
    return None if loaded is None else loaded[0]


def test_what_was_saved_comes_back(saved: Path) -> None:
    assert len(list(saved.glob("*.safetensors"))) == len(list(saved.glob("*.json"))) == 2
    loaded = checkpoint.load(saved, print)
    assert loaded is not None
    step, state = loaded
    assert step == 3
    assert state["optimizer"]["state"][0]["step"] == 3
    assert state["optimizer"]["groups"] == STATE["optimizer"]["groups"]
    assert state["seconds"] == STATE["seconds"]


def test_a_file_of_an_older_version_is_read() -> None:
    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    metadata = {"skeleton": json.dumps(SKELETON)}
    header = json.dumps({"__metadata__": metadata, "state.algorithm.x": tensor}).encode()
    content = struct.pack("<Q", len(header)) + header + struct.pack("<2f", 1.5, -2.0)
    state = checkpoint.decoded(content)
    assert state["algorithm"].pop("x").tolist() == [1.5, -2.0]
    assert state == {"algorithm": {0: [1, {}]}, "journal": 120}


def test_memory_that_two_tensors_share_is_saved_twice() -> None:
    weight = torch.arange(6.0).view(2, 3)
    state = checkpoint.decoded(checkpoint.encoded({"a": weight, "b": weight.T, "c": weight[0]}))
    assert torch.equal(state["a"], weight)
    assert torch.equal(state["b"], weight.T)
    assert torch.equal(state["c"], weight[0])


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        checkpoint.encoded({"x": object()})


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", '{"sha256": "0"}', "\udc80"])
def test_a_damaged_manifest_leads_to_the_checkpoint_before(manifest: str, saved: Path) -> None:
    path = saved / "checkpoint-000000003.json"
    path.write_bytes(manifest.encode("utf-8", "surrogateescape"))
    assert step_of(saved) == 2
    assert path.with_name(path.name + ".damaged").exists()
    assert step_of(saved) == 2


def test_a_flipped_bit_leads_to_the_checkpoint_before_and_is_reported(saved: Path) -> None:
    path = saved / "checkpoint-000000003.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    lines: list[str] = []
    assert checkpoint.load(saved, lines.append) is not None
    assert lines == [
        f"The checkpoint {path} is damaged: it is set aside and the one before it is used."
    ]
    path.with_name("checkpoint-000000002.safetensors").unlink()
    assert step_of(saved) is None


def test_a_kill_while_a_checkpoint_is_written_costs_that_one_only(saved: Path) -> None:
    (saved / ".checkpoint-000000004.safetensors.x8").write_bytes(b"half")
    (saved / "checkpoint-000000004.safetensors").write_bytes(b"whole, and no manifest yet")
    assert step_of(saved) == 3
    assert not list(saved.glob("*checkpoint-000000004*"))


def test_a_kill_while_old_ones_are_removed_leaves_nothing_behind(saved: Path) -> None:
    (saved / "checkpoint-000000002.json").unlink()
    assert step_of(saved) == 3
    assert not list(saved.glob("checkpoint-000000002*"))
    checkpoint.clear(saved)
    assert list(saved.iterdir()) == []
