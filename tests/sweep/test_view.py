"""What one sees while a sweep runs."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.experiment import Trial
from bench.sweep.plan import Planned
from bench.sweep.view import duration, time_left, view
from bench.training.status import Status


def planned(variant: str, seed: int) -> Planned:
    return Planned(Trial(variant, {}, seed, 1000, {"samples": 100}), Path("unused"))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "not known yet"), (12.3, "12 s"), (89.6, "90 s"), (420, "7 min"), (7500, "2 h 05 min")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_time_left_goes_by_the_pace_of_each_variant() -> None:
    standing = [
        (planned("fast", 0), Status("done", images=1000, seconds=8, measuring=2)),
        (planned("fast", 1), Status("pending")),
        (planned("slow", 0), Status("running", images=500, seconds=50)),
        (planned("slow", 1), Status("pending")),
    ]
    assert time_left(standing, workers=1) == pytest.approx(10 + 50 + 100)
    assert time_left(standing, workers=2) == pytest.approx(80)


def test_an_unknown_variant_is_taken_for_average() -> None:
    standing = [
        (planned("known", 0), Status("done", images=1000, seconds=10)),
        (planned("new", 0), Status("pending")),
    ]
    assert time_left(standing, workers=1) == pytest.approx(10)
    assert time_left([(planned("new", 0), Status("pending"))], workers=1) is None


def test_plain_lines_tell_each_piece_of_news_once() -> None:
    out = io.StringIO()
    lines = view(Console(file=out, width=40))
    running = [(planned("wgan", 0), Status("running", images=400, fid=12.3, modes=9))]
    for _ in range(3):
        lines.show(running, 61.0)
    failed = [(planned("wgan", 0), Status("failed", images=400, fid=12.3, modes=9, reason="Why."))]
    lines.show(failed, None)
    assert out.getvalue().splitlines() == [
        "wgan seed 0: running; 400 of 1,000 images; FID 12.30, modes 9; "
        "0 of 1 trials ended, time left: 61 s",
        "wgan seed 0: failed; 400 of 1,000 images; FID 12.30, modes 9; Why.; "
        "1 of 1 trials ended, time left: not known yet",
    ]


def test_a_terminal_gets_a_table() -> None:
    out = io.StringIO()
    live = view(Console(file=out, force_terminal=True, width=100))
    live.start()
    live.show([(planned("wgan", 3), Status("running", images=500, fid=45.6, modes=10))], 5.0)
    live.stop()
    shown = out.getvalue()
    for part in (
        "wgan seed 3",
        "running",
        "500",
        "━━━━━━━━────────",
        "45.60",
        "10",
        "time left: 5 s",
    ):
        assert part in shown
