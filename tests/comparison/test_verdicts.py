"""Verdicts on whole rows: what is called better, tied, or beyond the seeds that there are."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bench.comparison import summary, verdicts, words
from bench.comparison.records import Records, Trial
from bench.comparison.summary import Row
from bench.comparison.verdicts import Pair

SEEDS = 8


def trial(name: str, seed: int, **final: float) -> Trial:
    """A finished trial; without values a diverged one."""
    status = "done" if final else "diverged"
    return Trial(
        run_id=f"{name}-{seed}", key="", row=name, variant=name, seed=seed, status=status,
        reason="", missing="none" if final else "", params={}, tags={}, final=final,
    )  # fmt: skip


def row(name: str, values: list[float | None]) -> Row:
    """Seed by seed the FID, None for a diverged trial."""
    trials = [trial(name, s, **({} if v is None else {"fid": v})) for s, v in enumerate(values)]
    return Row(name, tuple(trials))


def scattered(level: float, spread: float, seed: int, n: int = SEEDS) -> list[float | None]:
    return list(level * np.exp(spread * np.random.default_rng(seed).normal(size=n)))


def records(rows: list[Row]) -> Records:
    trials = tuple(trial for row in rows for trial in row.trials)
    return Records("quick@lr=0.1,seeds=0,1", "1", trials, (), "r", "r/l", "p", {}, (), "", "", "")


def test_a_clear_difference_is_better_and_its_ratio_is_in_the_interval() -> None:
    (pair,) = verdicts.pairs(
        [row("a", scattered(5, 0.05, 1)), row("b", scattered(10, 0.05, 2))], "fid"
    )
    assert (pair.verdict, pair.p, pair.ratio) == ("better", 2 / 2**SEEDS, True)
    assert pair.low is not None
    assert pair.high is not None
    assert pair.low < 0.5 < pair.high < 0.6
    assert (pair.needed, pair.probability) == (None, 1.0)


def test_order_of_the_rows_turns_the_verdict_round() -> None:
    rows = [row("a", scattered(5, 0.05, 1)), row("b", scattered(10, 0.05, 2))]
    (pair,) = verdicts.pairs(rows[::-1], "fid")
    assert (pair.a, pair.verdict, pair.probability) == ("b", "worse", 0.0)


def test_the_same_distribution_is_tied_and_the_seeds_needed_are_more_than_there_are() -> None:
    (pair,) = verdicts.pairs(
        [row("a", scattered(5, 0.1, 1)), row("b", scattered(5, 0.1, 2))], "fid"
    )
    assert pair.verdict == "tied"
    assert pair.needed is not None
    assert pair.needed > SEEDS


@pytest.mark.parametrize(
    ("n", "verdict"), [(3, "too few seeds"), (5, "too few seeds"), (6, "better")]
)
def test_below_six_shared_seeds_nothing_is_called_better(n: int, verdict: str) -> None:
    rows = [row("a", scattered(1, 0.01, 1, n)), row("b", scattered(100, 0.01, 2, n))]
    (pair,) = verdicts.pairs(rows, "fid")
    assert (pair.verdict, pair.needed) == (verdict, 6 if verdict == "too few seeds" else None)


def test_four_variants_need_eight_seeds() -> None:
    levels = {"a": 1, "b": 10, "c": 100, "d": 1000}
    for n, verdict in ((7, "too few seeds"), (8, "better")):
        rows = [row(name, scattered(at, 0.1, at, n)) for name, at in levels.items()]
        assert {pair.verdict for pair in verdicts.pairs(rows, "fid")} == {verdict}


def test_only_shared_seeds_are_paired() -> None:
    a, b = row("a", [1.0, 2.0, 3.0]), Row("b", (trial("b", 2, fid=6.0), trial("b", 7, fid=1.0)))
    (pair,) = verdicts.pairs([a, b], "fid")
    assert pair.effect == pytest.approx(0.5)
    assert (pair.seeds, pair.low) == ((2,), None)


def test_a_diverged_trial_ranks_worst_even_against_the_worst_values() -> None:
    rows = [row("a", scattered(1000, 0.1, 1)), row("b", [None] * SEEDS)]
    (pair,) = verdicts.pairs(rows, "fid")
    assert (pair.verdict, pair.finished, pair.effect, pair.low) == ("better", 0, None, None)
    assert (pair.probability, words.effect_text(pair)) == (1.0, "–")


def test_diverging_can_cost_a_variant_its_verdict() -> None:
    good, bad = scattered(5, 0.02, 1), scattered(6, 0.02, 2)
    (before,) = verdicts.pairs([row("a", good), row("b", bad)], "fid")
    (after,) = verdicts.pairs([row("a", [None, None, *good[2:]]), row("b", bad)], "fid")
    assert (before.verdict, after.verdict) == ("better", "tied")
    assert words.needed_text(after) == "unknown (diverged)"


def test_both_diverged_is_no_difference() -> None:
    (pair,) = verdicts.pairs([row("a", [None] * SEEDS), row("b", [None] * SEEDS)], "fid")
    assert (pair.verdict, pair.p, pair.probability) == ("tied", 1.0, 0.5)


def test_seeds_at_which_both_diverged_do_not_make_enough_of_them() -> None:
    a = row("a", [None, *scattered(5, 0.02, 1, 5)])
    b = row("b", [None, *scattered(9, 0.02, 2, 5)])
    (pair,) = verdicts.pairs([a, b], "fid")
    assert (pair.p, pair.verdict) == (2 / 2**5, "too few seeds")


def test_what_holm_calls_real_is_not_called_too_few_seeds() -> None:
    """Three pairs with seven shared seeds, three with ten: Holm spends less on the later ones."""
    levels = {"a": 1.0, "b": 10.0, "c": 100.0, "d": 1000.0}
    rows = [row(n, scattered(at, 0.1, int(at), 7 if n == "d" else 10)) for n, at in levels.items()]
    found = verdicts.pairs(rows, "fid")
    assert {len(pair.seeds): pair.verdict for pair in found} == {10: "better", 7: "better"}
    assert all(pair.p_holm is not None and pair.p_holm <= 0.05 for pair in found)


def test_a_variant_that_is_lucky_once_and_diverges_otherwise_does_not_lead() -> None:
    lucky = row("lucky", [3.0, *[None] * 7])
    solid = row("solid", scattered(5, 0.05, 1))
    table = summary.rows(records([lucky, solid]))
    assert [one.name for one in table] == ["solid", "lucky"]
    said = words.verdict(records([lucky, solid]), table, verdicts.pairs(table, "fid"))
    assert said.startswith("solid has the lowest mean FID")
    assert "solid is better than lucky (p = 0.016, a diverged trial counting as worst)" in said
    assert "7 of 8 lucky trials diverged." in said


def test_a_leader_some_of_whose_trials_diverged_says_of_how_many() -> None:
    rows = [row("a", [None, *scattered(5, 0.02, 1)[1:]]), row("b", scattered(9, 0.02, 2))]
    assert "(mean ± sd over 7 seeds, of 8)" in told(rows)


def test_higher_is_better_where_the_measure_says_so() -> None:
    rows = [
        Row(name, tuple(trial(name, s, score=v + s / 100, fid=1.0) for s in range(SEEDS)))
        for name, v in (("high", 9.0), ("low", 8.0))
    ]
    (pair,) = verdicts.pairs(rows, "score")
    assert pair.effect == pytest.approx(1.0)
    assert (pair.verdict, pair.ratio) == ("better", False)
    assert verdicts.pairs(rows, "of_no_known_direction") == []


def test_what_is_best_near_the_floor_is_not_judged_by_its_side() -> None:
    rows = [
        Row(n, tuple(trial(n, s, confidence=v + s / 1000) for s in range(SEEDS)))
        for n, v in (("real", 0.98), ("collapsed", 0.87))
    ]
    assert verdicts.pairs(rows, "confidence") == []
    assert verdicts.winner(rows, []) is None


def test_a_measure_that_every_trial_shares_is_tied() -> None:
    rows = [Row(n, tuple(trial(n, s, modes=10.0) for s in range(SEEDS))) for n in "ab"]
    (pair,) = verdicts.pairs(rows, "modes")
    assert (pair.verdict, pair.p, words.needed_text(pair)) == ("tied", 1.0, "> 1000")


def test_a_distance_below_zero_is_compared_by_differences() -> None:
    (pair,) = verdicts.pairs([row("a", [-1e-6, 1e-6]), row("b", [1.0, 2.0])], "fid")
    assert not pair.ratio
    assert pair.effect == pytest.approx(-1.5)


def test_under_the_null_a_family_of_verdicts_is_rarely_false() -> None:
    """120 experiments of four equal variants × 8 seeds: some pair is told apart in at most 5 %."""
    random = np.random.default_rng(6)
    false = 0
    for _ in range(120):
        shared = random.normal(size=SEEDS)
        values = np.exp(0.2 * shared + 0.1 * random.normal(size=(4, SEEDS)))
        rows = [row(name, list(of)) for name, of in zip("abcd", values, strict=True)]
        false += any(pair.told_apart for pair in verdicts.pairs(rows, "fid"))
        values[0] /= 2
        shifted = [row(name, list(of)) for name, of in zip("abcd", values, strict=True)]
        assert verdicts.winner(shifted, verdicts.pairs(shifted, "fid")) == "a"
    assert false <= 120 * 0.05 + 2 * np.sqrt(120 * 0.05 * 0.95)


def test_winner_and_groups_follow_the_verdicts() -> None:
    rows = [
        row("a", scattered(5, 0.02, 1)),
        row("b", scattered(9, 0.1, 2)),
        row("c", scattered(9.1, 0.1, 3)),
    ]
    found = verdicts.pairs(rows, "fid")
    assert verdicts.winner(rows, found) == "a"
    assert verdicts.groups(rows, found) == {"a": "a", "b": "b", "c": "b"}
    tied = verdicts.pairs(rows[1:], "fid")
    assert verdicts.winner(rows[1:], tied) is None


def test_too_few_seeds_give_no_letters_and_no_winner() -> None:
    rows = [row("a", [1.0, 1.1]), row("b", [9.0, 9.1])]
    found = verdicts.pairs(rows, "fid")
    assert (verdicts.groups(rows, found), verdicts.winner(rows, found)) == ({}, None)


def told(rows: list[Row]) -> str:
    return words.verdict(records(rows), rows, verdicts.pairs(rows, "fid"))


def test_the_verdict_names_the_command_that_would_settle_it() -> None:
    said = told([row("a", [1.0, 1.1, 1.2]), row("b", [9.0, 9.1, 9.2])])
    assert "too few seeds" in said
    assert "`ganbench run quick -o lr=0.1 -o seeds=0,1 --variants a,b --seeds 6`" in said
    assert "better" not in said


@pytest.mark.parametrize(
    ("seeds", "toml", "command"),
    [
        ([0, 1], 'variants = ["b", "a"]\nseeds = 2', "ganbench run quick"),
        ([0, 1], 'variants = ["a"]\nseeds = 3', "ganbench run quick --variants a,b --seeds 2"),
        ([3, 7], 'variants = ["b", "a"]\nseeds = [7, 3]', "ganbench run quick"),
        ([3, 7], 'variants = ["b", "a"]\nseeds = 2', "ganbench run quick --seeds 3,7"),
        ([4], 'variants = ["b", "a"]\nseeds = 2', "ganbench run quick --seeds 4,"),
        ([0], "cut… (", "ganbench run quick --variants a,b --seeds 1"),
    ],
)  # fmt: skip
def test_the_command_runs_what_the_records_hold(seeds: list[int], toml: str, command: str) -> None:
    trials = tuple(trial(name, seed, fid=1.0) for name in "ab" for seed in seeds)
    held = replace(records([Row("a", trials)]), experiment="quick", toml=toml)
    assert words.command(held) == command
    assert words.command(held, 6) == f"{command.partition(' --seeds')[0]} --seeds 6"


def test_the_command_names_the_plug_in() -> None:
    mine = replace(trial("mine", 0, fid=1.0), tags={"ganbench.plugins": "mine.py"})
    held = replace(records([Row("mine", (mine,))]), experiment="quick", toml='variants = ["a"]')
    assert words.command(held) == "ganbench run quick --plugin mine.py --variants mine --seeds 1"


def test_the_verdict_says_by_how_much_and_how_sure() -> None:
    said = told([row("a", scattered(5, 0.02, 1)), row("b", scattered(10, 0.02, 2))])
    assert re.search(r"a is better than b \(FID 0\.\d+ times as high, 95 % interval 0\.4", said)
    assert "p = 0.0078" in said


def test_the_verdict_says_tied_and_what_it_would_take() -> None:
    said = told([row("a", scattered(5, 0.1, 1)), row("b", scattered(5, 0.1, 2))])
    assert "a is tied with b (" in said
    assert "would" in said
    assert "better" not in said


def test_the_verdict_counts_what_diverged() -> None:
    said = told([row("a", scattered(5, 0.1, 1)), row("b", [None, *scattered(9, 0.1, 2)[1:]])])
    assert "1 of 8 b trials diverged." in said
    assert told([row("a", [None, None])]).startswith("No trial of quick@")


@pytest.mark.parametrize("n", [1, 3, 8])
def test_the_word_that_is_refused_is_never_said(n: int) -> None:
    rows = [row("a", scattered(5, 0.02, 1, n)), row("b", scattered(10, 0.02, 2, n))]
    pairs: list[Pair] = verdicts.pairs(rows, "fid")
    assert "significan" not in told(rows) + words.how(pairs)
