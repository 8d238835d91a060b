"""What a sweep does around an executor: trials of other sweeps, and trials without an end."""

import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench import cli, executors
from bench.executors import Executor, Stopping
from bench.executors import plan as planning
from bench.executors.builtin.serial import Serial
from bench.executors.plan import Planned
from bench.executors.run import train
from bench.trials import event_log, status
from bench.trials import experiment as experiments
from bench.trials.status import Status

from .commands import SMALL, mlflow_runs, provide_quick


class Recorded(Executor):
    """Ends each trial at once, and remembers which it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Path] = []

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        self.given += folders
        for folder in folders:
            with status.owning(folder):
                event_log.EventLog(folder).end("done")
                Status("done").write(folder)


class Vanishing(Executor):
    """Its workers begin the trials, and die."""

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        for folder in folders:
            Status("running").write(folder)


@pytest.fixture
def planned(own_store: Path) -> list[Planned]:
    chosen = experiments.select(experiments.load("quick", SMALL[1::2]), ["mlp_bce"], "2")
    items = planning.plan(chosen)
    planning.prepare(items, chosen, ())
    return items


def never() -> bool:
    return False


def test_what_another_sweep_trains_is_waited_for_and_taken_over(planned: list[Planned]) -> None:
    taken, free = planned
    executor, asked = Recorded(), threading.Semaphore(0)

    def stopping() -> bool:
        asked.release()
        return False

    with status.owning(taken.folder) as mine:
        assert mine
        thread = threading.Thread(target=train, args=(planned, executor, 1, stopping), daemon=True)
        thread.start()
        for _ in range(3):  # rounds, of which the first gives it the free one
            assert asked.acquire(timeout=60)
        assert executor.given == [free.folder]
    thread.join(timeout=60)
    assert executor.given == [free.folder, taken.folder]
    assert taken.status.status == "done"


def test_what_another_sweep_ends_is_not_trained_again(planned: list[Planned]) -> None:
    taken, free = planned
    executor = Recorded()

    def ends_elsewhere() -> bool:
        if executor.given and not taken.ended:
            event_log.EventLog(taken.folder).end("done")
            Status("done").write(taken.folder)
            held.close()
        return False

    held = ExitStack()
    held.enter_context(status.owning(taken.folder))
    standing = train(planned, executor, 1, ends_elsewhere)
    assert executor.given == [free.folder]
    assert [state.status for _, state in standing] == ["done", "done"]


def test_a_trial_that_cannot_even_be_locked_does_not_stop_the_others(
    planned: list[Planned],
) -> None:
    bad, _ = planned
    (bad.folder / "lock").mkdir()
    (_, of_bad), (_, of_good) = train(planned, Serial(), 1, never)
    assert (of_bad.status, of_good.status) == ("failed", "done")
    assert "Cannot write" in str(of_bad.reason)


@pytest.mark.parametrize(("stopping", "state"), [(never, "failed"), (lambda: True, "interrupted")])
def test_a_trial_whose_worker_died_has_an_end(
    stopping: Stopping, state: str, planned: list[Planned]
) -> None:
    (first, _), calls = planned, iter([False, *[stopping()] * 9])
    standing = train([first], Vanishing(), 1, lambda: next(calls))
    assert [status.status for _, status in standing] == [state]
    assert first.status == standing[0][1]
    ((end, _),) = event_log.read(first.folder / "journal.jsonl")
    assert (end["status"], end["reason"]) == (state, first.status.reason)


def test_mlflow_learns_of_a_worker_that_died(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Its end is written down before the last look of the mirror."""
    provide_quick(tmp_path)
    monkeypatch.setattr("bench.paths.home", lambda: tmp_path)
    monkeypatch.setattr(executors, "get", lambda name: Vanishing)
    arguments = ["run", "quick", "--variants", "mlp_bce", "--seeds", "1", *SMALL]
    monkeypatch.setattr(sys, "argv", ["ganbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert "It did not end: run the same command again" in capsys.readouterr().out
    (run,) = mlflow_runs(own_store)
    assert run.info.status == "FAILED"
    assert run.data.tags["ganbench.status"] == "failed"
