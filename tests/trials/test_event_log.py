"""The event log: appended, never doubled, never torn."""

import errno
import json
import os
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.trials import event_log
from bench.trials.event_log import EventLog


def entries(folder: Path) -> list[event_log.Entry]:
    return [entry for entry, _ in event_log.read(folder / "journal.jsonl")]


def test_repeating_an_event_after_a_resume_adds_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        log = EventLog(tmp_path)
        log.metrics(64, {"train/loss_d": 0.5})
        log.metrics(64, {"eval/fid": 3.0})
        log.image(64, "samples", "samples/64.png")
        log.artifact("generator.json")
        log.tags({"ganbench.missing": "none"})
    assert len(entries(tmp_path)) == 5


def test_every_end_is_kept(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.end("interrupted", "SIGTERM")
    log.metrics(64, {"train/loss_d": 0.5})
    log.end("done")
    assert [entry.get("status") for entry in entries(tmp_path)] == ["interrupted", None, "done"]


def test_torn_last_line_is_not_read_and_is_cut_before_the_next(tmp_path: Path) -> None:
    EventLog(tmp_path).metrics(64, {"train/loss_d": 0.5})
    path = tmp_path / "journal.jsonl"
    with path.open("a") as file:
        file.write('{"event": "metr')
    assert len(entries(tmp_path)) == 1
    EventLog(tmp_path).metrics(128, {"train/loss_d": 0.4})
    assert [entry["step"] for entry in entries(tmp_path)] == [64, 128]


def test_offsets_lead_to_the_next_entry(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    for step in (64, 128, 192):
        log.metrics(step, {"train/loss_d": 0.5})
    path = tmp_path / "journal.jsonl"
    (_, first), *_ = event_log.read(path)
    assert [entry["step"] for entry, _ in event_log.read(path, first)] == [128, 192]


def test_nan_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        EventLog(tmp_path).metrics(64, {"train/loss_d": float("nan")})
    assert entries(tmp_path) == []


def test_full_disk_leaves_whole_lines_and_the_event_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(tmp_path)
    log.metrics(64, {"train/loss_d": 0.5})

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="the disk is full"):
            log.metrics(128, {"train/loss_d": 0.4})
    log.metrics(128, {"train/loss_d": 0.4})
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [64, 128]


@pytest.mark.parametrize(
    "line", [b'{"event": "end"\x00', b"null", b"[]", b"\xff", b"", b'{"event": "end"}', b"7"]
)
def test_damaged_line_is_a_sentence(line: bytes, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(line + b"\n")
    with pytest.raises(UserError, match="is damaged before byte"):
        entries(tmp_path)


def test_the_end_is_read_off_the_last_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert event_log.ending(path) is None, "gone"
    log = EventLog(tmp_path)
    log.end("interrupted")
    log.metrics(64, {f"train/{i}": 0.5 for i in range(5000)})
    assert event_log.ending(path) is None, "open"
    log.end("diverged", "loss_d is not finite at step 3.")
    end = event_log.ending(path)
    assert end is not None
    assert (end["status"], end["reason"]) == ("diverged", "loss_d is not finite at step 3.")
    whole = path.read_bytes()
    for torn in (whole[:-1], whole[:-30], b"", b"null\n", b"\xff\n"):
        path.write_bytes(torn)
        assert event_log.ending(path) is None


def test_where_a_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert event_log.line_ends_at(path, 0)
    assert not event_log.line_ends_at(path, 1)
    path.write_bytes(b"one\ntwo\n")
    assert [at for at in range(12) if event_log.line_ends_at(path, at)] == [0, 4, 8]
