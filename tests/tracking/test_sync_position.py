"""A position belongs to one event log; where that lost lines or began again, all is sent."""

import json
from pathlib import Path

import pytest

from bench.tracking.publisher import Publisher
from bench.tracking.sync_position import SyncPosition

from .records import expected_finals, expected_points, only_run, points
from .synthetic import Trial


@pytest.fixture
def sent(publisher: Publisher, trial: Trial) -> Trial:
    """A trial whose first half is in MLflow."""
    trial.points(1, 2)
    assert publisher.send(trial.folder), publisher.problem
    return trial


def begun_later(trial: Trial, home: Path, seconds: int) -> Trial:
    """The trial trained again, with an event log of another length that began so much later."""
    path = trial.folder / "journal.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    again = Trial(home)
    again.points().finish()
    moved = [json.loads(line) for line in path.read_text().splitlines()]
    for line in moved:
        line["time"] += 1000 * seconds - (moved[0]["time"] - lines[0]["time"])
    path.write_text("".join(json.dumps(line) + "\n" for line in moved))
    return again


def test_an_event_log_begun_again_is_sent_from_its_start(
    publisher: Publisher, sent: Trial, uri: str, home: Path
) -> None:
    again = begun_later(sent, home, seconds=5)
    assert SyncPosition(again.folder, uri, "quick").offset == 0
    assert publisher.send(again.folder), publisher.problem
    finished = only_run(uri)
    assert finished.info.status == "FINISHED"
    assert points(uri, finished) == expected_points(again) | expected_finals(again)


def test_an_event_log_that_lost_lines_and_grew_again_is_sent_whole(
    publisher: Publisher, sent: Trial, uri: str, home: Path
) -> None:
    """The position points into the middle of one of the new lines."""
    path = sent.folder / "journal.jsonl"
    reached = path.stat().st_size
    kept = path.read_text().splitlines(keepends=True)[:-1]
    path.write_text("".join(kept))
    assert SyncPosition(sent.folder, uri, "quick").offset == 0
    again = Trial(home)
    again.events.tags({"ganbench.missing": "none " * 50})
    assert path.stat().st_size > reached
    again.points().finish()
    assert publisher.send(again.folder), publisher.problem
    finished = only_run(uri)
    assert points(uri, finished) == expected_points(again) | expected_finals(again)
