"""A store of the version before opens: two of its trials, as that version wrote them.

Of the event log of the finished one there are the first window of losses, the last evaluation and
all that came after it; the names of files that are not here are left out.
"""

from pathlib import Path

import pytest

from bench.trials import TrialRecord, event_log, status
from bench.trials import experiment as experiments

FOLDERS = sorted((Path(__file__).parent / "old_store" / "trials").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name[:8])
def test_a_trial_of_the_version_before_is_the_trial_of_today(folder: Path) -> None:
    record = TrialRecord.read(folder)
    assert folder.name == record.key == record.trial.key
    assert record.trial.protocol_id in {"6892ea0b", "9f959ec0"}  # as that version computes it
    assert status.over(folder), "it is not trained again"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name[:8])
def test_its_experiment_stands_for_it_still(folder: Path, tmp_path: Path) -> None:
    record = TrialRecord.read(folder)
    (tmp_path / "old.toml").write_text(record.experiment)
    trials = experiments.load(str(tmp_path / "old.toml")).trials()
    assert record.key in {trial.key for trial in trials}


def test_status_and_events_are_read() -> None:
    ends = {}
    for folder in FOLDERS:
        *events, end = [entry for entry, _ in event_log.read(folder / "journal.jsonl")]
        assert end == event_log.ending(folder / "journal.jsonl")
        assert status.read(folder).status == end["status"]
        numbers = {}
        for event in events:
            numbers |= event.get("metrics", {})
        ends[end["status"]] = (end["reason"], numbers.get("final/fid"))
    assert ends == {
        "done": (None, 99.73344598076577),
        "diverged": ("loss_g is not finite at step 1.", None),
    }
