"""What one sees while a sweep runs."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.executors.display import duration, view
from bench.executors.plan import Planned
from bench.trials import Trial
from bench.trials.status import Status


def planned(variant: str, seed: int) -> Planned:
    return Planned(Trial(variant, {}, seed, 1000, {"samples": 100}), Path("unused"))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(12.3, "12 s"), (89.6, "90 s"), (420, "7 min"), (7500, "2 h 05 min")],
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def lines(*expected: tuple[Status, float | None]) -> list[str]:
    """What is printed where the one trial stands so at one moment after the other."""
    out = io.StringIO()
    printer = view(Console(file=out, width=40))
    for status, left in expected:
        printer.show([(planned("wgan", 0), status)], left)
    return out.getvalue().splitlines()


def test_plain_lines_are_sentences_and_each_piece_of_news_comes_once() -> None:
    measured = Status("running", images=400, fid=12.3, modes=9)
    assert lines(
        (Status("running"), None),
        (measured, 61.0),
        (measured, 60.0),
        (Status("done", images=1000, fid=9.87, modes=1), 0.0),
    ) == [
        "wgan seed 0 starts (0 of 1 trial ended, time left unknown).",
        "wgan seed 0 has FID 12.30 and 9 modes after 400 of 1,000 images "
        "(0 of 1 trial ended, about 61 s left).",
        "wgan seed 0 is done with FID 9.87 and 1 mode after 1,000 of 1,000 images "
        "(1 of 1 trial ended).",
    ]


def test_numbers_that_a_data_set_does_not_have_are_not_printed() -> None:
    (line,) = lines((Status("done", images=1000, modes=8), None))
    assert line.startswith("wgan seed 0 is done with 8 modes after 1,000 of 1,000 images (")
    (line,) = lines((Status("done", images=1000), None))
    assert line.startswith("wgan seed 0 is done after 1,000 of 1,000 images (")


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (Status("running", images=400, fid=1.0, modes=9), "resumes after 400 of 1,000 images"),
        (Status("interrupted", images=400), "was interrupted after 400 of 1,000 images"),
        (Status("diverged", images=64), "diverged after 64 of 1,000 images"),
        (Status("failed"), "failed after 0 of 1,000 images"),
    ],
)
def test_plain_lines_name_every_event(status: Status, event: str) -> None:
    (line,) = lines((status, None))
    assert line.startswith(f"wgan seed 0 {event} (")
    assert line.endswith(").")


def test_the_reason_of_a_failure_stands_last_and_as_it_is() -> None:
    """Square brackets and colons are no markup."""
    reason = "nothing was found in [/data/weights] for [batch, channels] :bomb: [/]."
    (line,) = lines((Status("failed", reason=reason), None))
    assert line == (f"wgan seed 0 failed after 0 of 1,000 images (1 of 1 trial ended): {reason}")


def test_a_stop_is_said_once_at_once() -> None:
    out = io.StringIO()
    printer = view(Console(file=out))
    for _ in range(2):
        printer.show([(planned("wgan", 0), Status())], None, stopping=True)
    assert out.getvalue() == "Stopping: each running trial saves its state.\n"


def test_a_terminal_gets_a_table() -> None:
    out = io.StringIO()
    live = view(Console(file=out, force_terminal=True, width=100))
    live.start()
    live.show([(planned("wgan[/x]", 3), Status("running", images=500, fid=45.6, modes=10))], 5.0)
    live.stop()
    expected = out.getvalue()
    for part in (
        "wgan[/x] seed 3",
        "running",
        "500",
        "━━━━━━━━────────",
        "45.60",
        "10",
        "about 5 s left",
    ):
        assert part in expected


def test_of_more_trials_than_a_terminal_has_lines_those_that_run_are_shown() -> None:
    out = io.StringIO()
    live = view(Console(file=out, force_terminal=True, width=100, height=25))
    standing = [(planned("wgan", seed), Status()) for seed in range(160)]
    standing[150] = (planned("wgan", 150), Status("running", images=500))
    live.start()
    live.show(standing, None)
    live.stop()
    assert "wgan seed 150" in out.getvalue()
    assert "wgan seed 0" not in out.getvalue()
    assert "0 of 160 trials ended" in out.getvalue()
