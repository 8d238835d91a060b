"""What is kept is whole and belongs to what defined it, or it is worked out again."""

from pathlib import Path

import pytest
import torch

from bench.errors import UserError
from bench.evaluation.reference import Cache


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path))
    return tmp_path


def _file(root: Path) -> Path:
    (path,) = (root / "reference").rglob("value.*")
    return path


def test_kept_tensors_come_back_without_computing(root: Path) -> None:
    made = {"a": torch.arange(6.0, dtype=torch.float64).view(2, 3).T}
    Cache("x").tensors("value", lambda: made)
    kept = Cache("x").tensors("value", lambda: pytest.fail("computed again"))
    torch.testing.assert_close(kept, {"a": made["a"]}, rtol=0, atol=0)


def test_json_comes_back_without_computing() -> None:
    Cache("x").json("value", lambda: {"fid": 0.1})
    assert Cache("x").json("value", lambda: pytest.fail("computed again")) == {"fid": 0.1}


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b[:10], lambda b: b"", None])
def test_a_damaged_file_is_worked_out_again(root: Path, damage: object) -> None:
    Cache("x").json("value", lambda: 1)
    content = _file(root).read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    _file(root).write_bytes(damage(content) if callable(damage) else flipped)
    assert Cache("x").json("value", lambda: 2) == 2
    assert Cache("x").json("value", lambda: 3) == 2


def test_another_definition_is_another_place(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("a = 1")
    Cache("x", source).json("value", lambda: 1)
    source.write_text("a = 2")
    assert Cache("x", source).json("value", lambda: 2) == 2
    assert Cache("y", source).json("value", lambda: 3) == 3


def test_a_store_that_cannot_be_written_is_told(root: Path) -> None:
    (root / "reference").write_text("a file in the way")
    with pytest.raises(UserError, match=r"Cannot write .*reference"):
        Cache("x").json("value", lambda: 1)
