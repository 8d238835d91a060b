"""Verdicts on whole rows: better, worse, not distinguishable, too few seeds; and in words."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis import narrative, summary, verdicts
from bench.analysis.records import ROW, Records, frame
from bench.analysis.summary import Row
from bench.analysis.verdicts import Pair

SEEDS = 8


def trial(name: str, seed: int, **final: float) -> dict[str, Any]:
    """A finished trial; without values a diverged one."""
    return {
        "run_id": f"{name}-{seed}", "variant": name, "seed": seed, ROW: name,
        "status": "done" if final else "diverged", "trial/missing": "none" if final else "",
        "trial/reason": "",
        **{f"final/{metric}": value for metric, value in final.items()},
    }  # fmt: skip


def of(name: str, trials: Iterable[dict[str, Any]]) -> Row:
    return Row(name, frame(trials))


def row(name: str, values: list[float | None]) -> Row:
    """Seed by seed the FID, None for a diverged trial."""
    trials = [trial(name, s, **({} if v is None else {"fid": v})) for s, v in enumerate(values)]
    return of(name, trials)


def scattered(level: float, spread: float, seed: int, n: int = SEEDS) -> list[float | None]:
    return list(level * np.exp(spread * np.random.default_rng(seed).normal(size=n)))


def records(rows: list[Row]) -> Records:
    trials = pd.concat([row.trials for row in rows])
    return Records(
        experiment="quick", experiment_id="1", trials=trials, notes=(), evaluator="r", measure="r",
        protocol="p", floor={}, calibration=(), toml="", command="ganbench run quick -o lr=0.1",
        seeds_option="2", description="", newest="",
    )  # fmt: skip


def test_a_clear_difference_is_better_by_welchs_test_and_interval() -> None:
    a, b = scattered(5, 0.05, 1), scattered(10, 0.05, 2)
    (pair,) = verdicts.pairs([row("a", a), row("b", b)], "fid")
    expected = stats.ttest_ind(np.log(a), np.log(b), equal_var=False)  # type: ignore[arg-type]
    ends = expected.confidence_interval(0.95)
    assert (pair.verdict, pair.test, pair.ratio, pair.needed) == ("better", "welch", True, None)
    assert pair.p == pair.p_holm == pytest.approx(expected.pvalue)
    assert (pair.low, pair.high) == pytest.approx((np.exp(ends.low), np.exp(ends.high)))
    assert (pair.n_a, pair.n_b, pair.level, pair.probability) == (SEEDS, SEEDS, 0.95, 1.0)


def test_which_seed_a_value_belongs_to_makes_no_difference() -> None:
    a, b = scattered(5, 0.3, 1), scattered(6, 0.3, 2)
    for order in (a[::-1], a[3:] + a[:3]):
        (one,), (other,) = (verdicts.pairs([row("a", x), row("b", b)], "fid") for x in (a, order))
        assert one.p == pytest.approx(other.p)
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_variants_without_a_common_seed_are_compared() -> None:
    a = row("a", scattered(5, 0.05, 1, 5))
    b = of("b", (trial("b", 50 + s, fid=8.0 + s / 10) for s in range(4)))
    (pair,) = verdicts.pairs([a, b], "fid")
    assert (pair.verdict, pair.n_a, pair.n_b) == ("better", 5, 4)


def test_order_of_the_rows_turns_the_verdict_round() -> None:
    rows = [row("a", scattered(5, 0.05, 1)), row("b", scattered(10, 0.05, 2))]
    (pair,) = verdicts.pairs(rows[::-1], "fid")
    assert (pair.a, pair.verdict, pair.probability) == ("b", "worse", 0.0)


def test_the_same_distribution_is_not_distinguishable_and_more_seeds_are_needed() -> None:
    (pair,) = verdicts.pairs(
        [row("a", scattered(5, 0.1, 1)), row("b", scattered(5, 0.1, 2))], "fid"
    )
    assert (pair.verdict, pair.significant) == ("not distinguishable", False)
    assert pair.low is not None
    assert pair.high is not None
    assert pair.low < 1 < pair.high
    assert pair.needed is not None
    assert pair.needed > SEEDS


@pytest.mark.parametrize(
    ("n", "verdict"), [(1, "too few seeds"), (2, "too few seeds"), (3, "better")]
)
def test_three_seeds_are_enough_for_a_large_difference(n: int, verdict: str) -> None:
    rows = [row("a", scattered(1, 0.01, 1, n)), row("b", scattered(100, 0.01, 2))]
    (pair,) = verdicts.pairs(rows, "fid")
    assert (pair.verdict, pair.needed) == (verdict, 3 if verdict == "too few seeds" else None)
    if n < 3:
        assert (pair.test, pair.p, pair.p_holm, pair.low) == (None, None, None, None)
        assert pair.effect == pytest.approx(0.01, rel=0.05)


def test_pairs_with_too_few_seeds_do_not_count_as_comparisons() -> None:
    rows = [row("a", scattered(5, 0.05, 1)), row("b", scattered(6, 0.05, 2)), row("c", [9.0])]
    first, *others = verdicts.pairs(rows, "fid")
    assert first.p == first.p_holm
    assert {pair.verdict for pair in others} == {"too few seeds"}


def test_the_interval_is_at_the_level_where_holm_stops() -> None:
    """p of .02 in a family of which nothing is left: no 95 % interval may leave out 1 there."""
    rows = [row(name, scattered(5, 0.1, i)) for i, name in enumerate("abc")]
    rows.append(row("d", scattered(5.7, 0.1, 9)))
    found = verdicts.pairs(rows, "fid")
    close = [pair for pair in found if pair.p is not None and pair.p <= 0.05]
    assert close
    assert {pair.verdict for pair in found} == {"not distinguishable"}
    assert {pair.level for pair in found} == {1 - 0.05 / 6}
    assert all(pair.low is not None and pair.low < 1 < (pair.high or 0) for pair in found)
    assert narrative.level_text(found[0]) == "99.17 % interval"


def test_a_diverged_trial_ranks_worst_even_against_the_worst_values() -> None:
    rows = [row("a", scattered(1000, 0.1, 1)), row("b", [None] * SEEDS)]
    (pair,) = verdicts.pairs(rows, "fid")
    assert (pair.verdict, pair.test, pair.effect, pair.low) == (
        "better",
        "mann-whitney",
        None,
        None,
    )
    assert (pair.n_b, pair.finished_b, pair.diverged) == (SEEDS, 0, SEEDS)
    assert (pair.probability, narrative.effect_text(pair)) == (1.0, "–")


def test_one_finished_and_seven_diverged_are_enough_to_call_a_variant_worse() -> None:
    """Its mean is unknown; that it diverges is not."""
    rows = [row("a", scattered(5, 0.1, 1)), row("b", [2.0, *[None] * 7])]
    (pair,) = verdicts.pairs(rows, "fid")
    assert (pair.verdict, pair.test, pair.finished_b) == ("better", "mann-whitney", 1)
    assert narrative.effect_text(pair).endswith(" (finished only)")


def test_diverging_can_cost_a_variant_its_verdict() -> None:
    good, bad = scattered(5, 0.02, 1), scattered(6, 0.02, 2)
    (before,) = verdicts.pairs([row("a", good), row("b", bad)], "fid")
    (after,) = verdicts.pairs([row("a", [None, None, *good[2:]]), row("b", bad)], "fid")
    assert (before.verdict, after.verdict) == ("better", "not distinguishable")
    assert narrative.needed_text(after) == "unknown (diverged)"


def test_both_diverged_is_no_difference() -> None:
    (pair,) = verdicts.pairs([row("a", [None] * SEEDS), row("b", [None] * SEEDS)], "fid")
    assert (pair.verdict, pair.p, pair.probability) == ("not distinguishable", 1.0, 0.5)


@pytest.mark.parametrize(("n", "verdict"), [(3, "too few seeds"), (4, "better")])
def test_three_trials_of_which_one_diverged_cannot_be_ranked_apart(n: int, verdict: str) -> None:
    rows = [row("a", scattered(5, 0.1, 1, n)), row("b", [*scattered(9, 0.1, 2, n - 1), None])]
    (pair,) = verdicts.pairs(rows, "fid")
    assert (pair.verdict, pair.needed) == (verdict, 4 if n == 3 else None)
    assert (pair.test is None) == (n == 3)


def test_ranks_that_could_not_pass_the_correction_are_too_few_seeds() -> None:
    """Four and four give p = 1/35 at best; three such pairs, of which none is left by Holm."""
    values = {"a": 5.0, "b": 8.0, "c": 13.0}
    rows = [row(name, [None, *scattered(at, 0.01, 1, 3)]) for name, at in values.items()]
    found = verdicts.pairs(rows, "fid")
    assert all(pair.p is not None for pair in found)
    assert {(pair.verdict, pair.needed) for pair in found} == {("too few seeds", 5)}


@pytest.mark.parametrize(
    ("b", "n", "verdict", "p"),
    [
        (3.0, 8, "better", 2 / 12870), (3.0, 3, "too few seeds", None),
        (10.0, 8, "not distinguishable", 1.0), (10.0, 3, "too few seeds", None),
    ],
)  # fmt: skip
def test_without_any_spread_the_ranks_decide(
    b: float, n: int, verdict: str, p: float | None
) -> None:
    """Modes of 10 ± 0 against 3 ± 0: Welch's test has no spread to go by."""
    rows = [
        of(name, (trial(name, s, modes=value) for s in range(n)))
        for name, value in (("a", 10.0), ("b", b))
    ]
    (pair,) = verdicts.pairs(rows, "modes")
    assert (pair.verdict, pair.p, pair.low, pair.high) == (
        verdict, p if p is None else pytest.approx(p), None, None,
    )  # fmt: skip
    assert pair.effect == 10.0 - b


def test_a_spread_on_one_side_is_enough_for_welch() -> None:
    rows = [
        of("a", (trial("a", s, modes=10.0) for s in range(3))),
        of("b", (trial("b", s, modes=float(v)) for s, v in enumerate((3, 3, 2)))),
    ]
    (pair,) = verdicts.pairs(rows, "modes")
    assert (pair.test, pair.verdict) == ("welch", "better")
    assert pair.low is not None
    assert pair.low > 0


def test_a_variant_that_is_lucky_once_and_diverges_otherwise_does_not_lead() -> None:
    lucky = row("lucky", [3.0, *[None] * 7])
    solid = row("solid", scattered(5, 0.05, 1))
    table = summary.rows(records([lucky, solid]))
    assert [one.name for one in table] == ["solid", "lucky"]
    said = narrative.verdict(records([lucky, solid]))
    assert said.startswith("solid has the lowest mean FID")
    assert "It is better than lucky (p = 0.0079, a diverged trial counts as worst)." in said
    assert "7 of 8 lucky trials diverged." in said


def test_a_leader_some_of_whose_trials_diverged_says_of_how_many() -> None:
    rows = [row("a", [None, *scattered(5, 0.02, 1)[1:]]), row("b", scattered(9, 0.02, 2))]
    assert "(mean ± sd over 7 seeds, of 8)" in told(rows)


def test_higher_is_better_where_the_measure_says_so() -> None:
    rows = [
        of(name, (trial(name, s, inception_score=v + s / 100, fid=1.0) for s in range(SEEDS)))
        for name, v in (("high", 9.0), ("low", 8.0))
    ]
    (pair,) = verdicts.pairs(rows, "inception_score")
    assert pair.effect == pytest.approx(1.0)
    assert (pair.verdict, pair.ratio) == ("better", False)
    assert verdicts.pairs(rows, "of_no_known_direction") == []


def test_what_is_best_near_the_floor_is_not_judged_by_its_side() -> None:
    rows = [
        of(n, (trial(n, s, confidence=v + s / 1000) for s in range(SEEDS)))
        for n, v in (("real", 0.98), ("collapsed", 0.87))
    ]
    assert verdicts.pairs(rows, "confidence") == []
    assert verdicts.winner(rows, []) is None


def test_a_distance_below_zero_is_compared_by_differences() -> None:
    (pair,) = verdicts.pairs([row("a", [-1e-6, 1e-6]), row("b", [1.0, 2.0])], "fid")
    assert not pair.ratio
    assert pair.effect == pytest.approx(-1.5)


def test_winner_and_groups_follow_the_verdicts() -> None:
    rows = [
        row("a", scattered(5, 0.02, 1)),
        row("b", scattered(9, 0.1, 2)),
        row("c", scattered(9.1, 0.1, 3)),
    ]
    found = verdicts.pairs(rows, "fid")
    assert verdicts.winner(rows, found) == "a"
    assert verdicts.groups(rows, found) == {"a": "a", "b": "b", "c": "b"}
    assert verdicts.winner(rows[1:], verdicts.pairs(rows[1:], "fid")) is None


def test_too_few_seeds_give_no_letters_and_no_winner() -> None:
    rows = [row("a", [1.0, 1.1]), row("b", [9.0, 9.1])]
    found = verdicts.pairs(rows, "fid")
    assert (verdicts.groups(rows, found), verdicts.winner(rows, found)) == ({}, None)


def told(rows: list[Row]) -> str:
    return narrative.verdict(records(rows))


def test_the_verdict_names_the_command_that_would_settle_it() -> None:
    said = told([row("a", [1.0, 1.1]), row("b", [9.0, 9.1, 9.2])])
    assert "There are too few seeds to say whether any difference is real" in said
    assert "at least 3 seeds of each variant" in said
    assert "`ganbench run quick -o lr=0.1 --seeds 3` runs them." in said
    assert "better" not in said


def test_the_verdict_says_which_variant_has_too_few_seeds_and_that_divergence_needs_more() -> None:
    three = [row("a", scattered(5, 0.1, 1, 3)), row("b", scattered(9, 0.1, 2, 3))]
    said = told([*three, row("c", [9.0, 9.5, None])])
    assert "It is better than b (FID" in said
    assert "There are too few seeds to compare it with c: a verdict needs at least 5 seeds" in said
    assert "because a diverged trial can only be ranked; `ganbench run" in said
    assert said.endswith("1 of 3 c trials diverged.")


def test_the_command_is_the_one_that_was_recorded() -> None:
    held = records([row("a", [1.0])])
    assert narrative.command(held) == "ganbench run quick -o lr=0.1 --seeds 2"
    assert narrative.command(held, 6) == "ganbench run quick -o lr=0.1 --seeds 6"
    assert narrative.command(replace(held, seeds_option="")) == "ganbench run quick -o lr=0.1"


def test_the_verdict_says_by_how_much_and_how_sure() -> None:
    said = told([row("a", scattered(5, 0.1, 1, 4)), row("b", scattered(10, 0.1, 2, 4))])
    size = r"It is better than b \(FID 0\.\d+ times as high, 95 % interval 0\.\d+ to 0\.\d+; p = 0"
    assert re.search(size, said)


def test_the_verdict_says_how_large_a_difference_is_still_possible() -> None:
    said = told([row("a", scattered(5, 0.1, 2)), row("b", scattered(5, 0.1, 1))])
    size = (
        r"It is not distinguishable from b \(FID .* times as high, 95 % interval 0.*to 1.*; seeds"
    )
    assert re.search(size, said)
    assert "better" not in said


def test_the_headline_of_twenty_variants_is_short_and_names_who_may_be_as_good() -> None:
    rows = [row(f"v{i:02}", scattered(5 if i < 6 else 8 + i, 0.1, i)) for i in range(19)]
    rows.append(row("v19", [None] * SEEDS))
    rows.sort(key=lambda one: one.final("fid").mean or np.inf)
    said = told(rows)
    alike = sorted(set(re.findall(r"v\d\d", said)) - {"v19"})
    assert alike == ["v00", "v01", "v02", "v03", "v04", "v05"]
    assert "It is better than 14 of the 19 other variants (p " in said
    assert "8 of 8 v19 trials diverged." in said
    assert len(said) < 500


def test_many_variants_that_diverge_are_counted_in_one_sentence() -> None:
    rows = [row(f"v{i}", [*scattered(5 + i, 0.1, i), None]) for i in range(5)]
    assert told(rows).endswith("5 trials of 5 variants diverged.")
    assert told(rows[:2]).endswith("1 of 9 v0 and 1 of 9 v1 trials diverged.")


def test_the_verdict_says_real_images_by_this_classifier_and_nothing_without_a_floor() -> None:
    rows = [row("a", scattered(5, 0.1, 1)), row("b", scattered(5, 0.1, 2))]
    held = replace(records(rows), floor={"fid": 0.5})
    said = narrative.verdict(held)
    assert re.search(r", \d+\.\d times what real data gets by this evaluator\. It", said)
    assert "real data" not in told(rows)


@pytest.mark.parametrize(("n", "said"), [(3, True), (4, True), (5, False)])
def test_three_or_four_seeds_rest_on_an_assumption_that_is_said(n: int, said: bool) -> None:
    rows = [row("a", scattered(5, 0.02, 1, n)), row("b", scattered(10, 0.02, 2, 8))]
    note = narrative.how(verdicts.pairs(rows, "fid"))
    assert (f"With {n} seeds a verdict rests on the assumption that log FID is" in note) == said


def test_the_footnote_says_when_a_diverged_trial_changed_the_test() -> None:
    a, b = scattered(5, 0.02, 1), scattered(10, 0.02, 2)
    for of_b, said in ((b, False), ([None, *b[1:]], True)):
        note = narrative.how(verdicts.pairs([row("a", a), row("b", of_b)], "fid"))
        assert ("A diverged trial ranks worst" in note) == said


def test_tiny_p_values_are_not_spelled_out() -> None:
    assert [narrative.p_text(p) for p in (None, 0.0314, 1e-4, 9e-17)] == [
        "–",
        "0.031",
        "0.0001",
        "< 0.0001",
    ]
    said = told([row("a", scattered(5, 0.02, 1)), row("b", scattered(10, 0.02, 2))])
    assert "; p < 0.0001)" in said


def test_the_verdict_of_few_variants_names_every_pair() -> None:
    """What `make bench` ends with: five of its six pairs are significant, and the sixth is said."""
    rows = [
        row("bn", [17.37, 18.08, 16.81]),
        row("sn", [23.6, 22.1, 23.8]),
        row("wgan", [73.2, 81.7, 68.4]),
        row("bce", [93.2, 90.5, 123.0]),
    ]
    said = told(rows)
    assert said.startswith(
        "bn has the lowest mean FID: 17.42 ± 0.64 (mean ± sd over 3 seeds). It is"
    )
    assert " sn is better than wgan and bce. wgan is not distinguishable from bce (FID 0.7" in said
    assert said.endswith("seeds needed: 5).")
    many = [row(f"v{i:02}", scattered(5 + i, 0.02, i)) for i in range(7)]
    assert "v01 is" not in told(many)


def test_the_verdict_counts_what_diverged() -> None:
    said = told([row("a", scattered(5, 0.1, 1)), row("b", [None, *scattered(9, 0.1, 2)[1:]])])
    assert "1 of 8 b trials diverged." in said
    assert told([row("a", [None, None])]).startswith("No trial of quick finished")


@pytest.mark.parametrize("n", [1, 3, 8])
def test_the_word_that_is_refused_is_never_said(n: int) -> None:
    rows = [row("a", scattered(5, 0.02, 1, n)), row("b", scattered(10, 0.02, 2, n))]
    pairs: list[Pair] = verdicts.pairs(rows, "fid")
    assert "significan" not in told(rows) + narrative.how(pairs)
