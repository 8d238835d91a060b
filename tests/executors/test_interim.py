"""The table that is shown each time one more seed has ended."""

import io
from pathlib import Path

from rich.console import Console

from bench.executors.interim import InterimTables
from bench.executors.plan import Planned, Standing
from bench.trials import Trial
from bench.trials.phases import Place
from bench.trials.status import State, Status

RUNNING = Status("running")


def trial(variant: str, seed: int, place: Place | None = None) -> Planned:
    return Planned(Trial(variant, {}, seed, 1000, {"samples": 100}), Path("unused"), place)


def standing(*seeds: tuple[Status, Status]) -> Standing:
    """Seed after seed, the states of `wgan` and `hinge`."""
    return [
        (trial(variant, seed), status)
        for seed, pair in enumerate(seeds)
        for variant, status in zip(("wgan", "hinge"), pair, strict=True)
    ]


def done(fid: float | None, modes: int = 10, state: State = "done") -> Status:
    return Status(state, fid=fid, modes=modes)


def shown(*moments: Standing) -> list[list[str]]:
    """The words of each line that is printed, where the trials stand so one time after another."""
    tables, out = InterimTables(), io.StringIO()
    for moment in moments:
        if table := tables.due(moment):
            Console(file=out, width=80).print(table)
    return [line.replace("│", " ").split() for line in out.getvalue().splitlines()]


def test_a_seed_of_every_row_gives_a_table_with_the_best_row_first_once() -> None:
    half = standing((done(80.5, 3), RUNNING), (RUNNING, RUNNING), (RUNNING, RUNNING))
    whole = standing((done(80.5, 3), done(9.25)), (RUNNING, RUNNING), (RUNNING, RUNNING))
    lines = shown(half, whole, whole)
    assert sum(line == ["After", "1", "of", "3", "seeds"] for line in lines) == 1
    rows = [line for line in lines if line[:1] in (["wgan"], ["hinge"])]
    assert rows == [["hinge", "1", "9.25", "10.0"], ["wgan", "1", "80.50", "3.0"]]


def test_two_seeds_have_a_spread_and_what_failed_or_diverged_only_counts_as_ended() -> None:
    first = (done(10.0), done(None, state="diverged"))
    before = standing(first, (done(12.0, 9), RUNNING), (RUNNING, RUNNING))
    after = standing(first, (done(12.0, 9), Status("failed")), (RUNNING, RUNNING))
    rows = [line for line in shown(before, after) if line[:1] in (["wgan"], ["hinge"])]
    assert rows == [["wgan", "2", "11.00", "±", "1.41", "9.5"]]


def test_data_without_an_fid_leave_it_empty() -> None:
    moments = (
        standing((RUNNING, RUNNING), (RUNNING, RUNNING)),
        standing((done(None, 8), done(None, 7)), (RUNNING, RUNNING)),
    )
    rows = [line for line in shown(*moments) if line[:1] in (["wgan"], ["hinge"])]
    assert rows == [["wgan", "1", "8.0"], ["hinge", "1", "7.0"]]


def test_nothing_is_shown_for_the_last_seed_for_earlier_runs_or_in_a_search() -> None:
    ended = (done(80.0), done(9.0))
    assert not shown(standing((RUNNING, RUNNING)), standing(ended))
    assert not shown(standing(ended, (RUNNING, RUNNING)), standing(ended, (RUNNING, RUNNING)))
    place = Place("search", "wgan", 0)
    search = [(trial("wgan", 0, place), done(80.0)), (trial("wgan", 1, place), RUNNING)]
    assert not shown([(search[0][0], RUNNING), search[1]], search)
