"""Intervals and tests, against known answers and against simulated experiments."""

import itertools

import numpy as np
import pytest
from scipy import stats

from bench.analysis import statistics


@pytest.mark.parametrize("n", [3, 5, 10])
def test_t_intervals_cover_the_mean_at_their_rate(n: int) -> None:
    low, high = statistics.t_interval(np.random.default_rng(n).normal(3, 2, (20_000, n)))
    covered = ((low <= 3) & (high >= 3)).mean()
    assert covered == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize("n", [3, 8])
def test_log_intervals_cover_the_geometric_mean_of_skewed_values(n: int) -> None:
    low, high = statistics.log_t_interval(np.random.default_rng(n).lognormal(1, 0.8, (20_000, n)))
    covered = ((low <= np.e) & (high >= np.e)).mean()
    assert covered == pytest.approx(0.95, abs=0.006)


def test_t_interval_is_the_textbook_one() -> None:
    low, high = statistics.t_interval(np.array([1.0, 2.0, 3.0]))
    expected = stats.ttest_1samp([1.0, 2.0, 3.0], 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "k"), [(3, 1), (3, 3), (8, 5)])
def test_prediction_intervals_hold_the_next_mean_at_their_rate_and_narrower_ones_do_not(
    n: int, k: int
) -> None:
    random = np.random.default_rng([n, k])
    runs, further = random.normal(3, 2, (20_000, n)), random.normal(3, 2, (20_000, k)).mean(axis=-1)

    def held(low: statistics.Array, high: statistics.Array) -> float:
        return float(((low <= further) & (further <= high)).mean())

    assert held(*statistics.prediction_interval(runs, k)) == pytest.approx(0.95, abs=0.006)
    assert held(*statistics.prediction_interval(runs, k, 0.8)) == pytest.approx(0.8, abs=0.01)
    assert held(*statistics.t_interval(runs)) < 0.91


def test_simultaneous_intervals_hold_for_the_whole_table_at_their_rate() -> None:
    """Four rows of three seeds, three new seeds each: some row lies outside in 5 % of tables."""
    random = np.random.default_rng(7)
    runs, further = random.normal(size=(20_000, 4, 3)), random.normal(size=(20_000, 4, 3))
    low, high = statistics.prediction_interval(runs, 3, 1 - 0.05 / 4)
    inside = (low <= further.mean(axis=-1)) & (further.mean(axis=-1) <= high)
    assert inside.all(axis=-1).mean() == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (3, 8), (8, 5)])
def test_welch_is_the_textbook_one(n: int, m: int) -> None:
    """The difference over its standard error, by Welch and Satterthwaite's degrees of freedom."""
    random = np.random.default_rng([n, m])
    a, b = random.normal(1, 0.3, (50, n)), random.normal(1.2, 1.4, (50, m))
    of_a, of_b = a.var(axis=1, ddof=1) / n, b.var(axis=1, ddof=1) / m
    df = (of_a + of_b) ** 2 / (of_a**2 / (n - 1) + of_b**2 / (m - 1))
    difference, error = a.mean(axis=1) - b.mean(axis=1), np.sqrt(of_a + of_b)
    compared = statistics.welch(a, b)
    np.testing.assert_allclose(compared.pvalue, 2 * stats.t.sf(abs(difference) / error, df))
    for level in (0.95, 0.9917):
        low, high = compared.confidence_interval(level)
        half = stats.t.ppf((1 + level) / 2, df) * error
        np.testing.assert_allclose((low, high), (difference - half, difference + half))


def test_welch_takes_one_constant_side() -> None:
    """No warning of scipy's; the degrees of freedom are those of the side that varies."""
    compared = statistics.welch(np.full(3, 3.0), np.array([1.0, 1.0, 2.0]))
    expected = stats.ttest_1samp([1.0, 1.0, 2.0], 3.0)
    assert compared.pvalue == pytest.approx(expected.pvalue)
    assert compared.df == pytest.approx(2)


def test_equal_values_but_for_rounding_do_not_vary() -> None:
    assert not statistics.varies(np.array([0.1 + 0.2, 0.3, 0.3]))
    assert not statistics.varies(1e6 + np.array([1e-8, 0.0, 0.0]))
    assert statistics.varies(np.array([0.3, 0.3, 0.3001]))


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 7), (8, 8), (30, 25)])
def test_mann_whitney_without_ties_is_scipys_exact_one(n: int, m: int) -> None:
    random = np.random.default_rng([n, m])
    for shift in (0.0, 0.5, 3.0):
        a, b = random.normal(size=n), random.normal(shift, 1, m)
        expected = stats.mannwhitneyu(a, b, method="exact").pvalue
        assert statistics.mann_whitney(a, b) == pytest.approx(expected)


def test_mann_whitney_with_ties_is_the_permutation_of_mid_ranks() -> None:
    """Diverged trials are tied; scipy's exact method would not take that into account."""
    a, b = np.array([1.0, 2.0, np.inf, np.inf, 2.0]), np.array([3.0, np.inf, 2.0, np.inf])
    ranks = stats.rankdata(np.concatenate([a, b]))
    sums = [sum(subset) - 5 * ranks.mean() for subset in itertools.combinations(ranks, 5)]
    seen = abs(ranks[:5].sum() - 5 * ranks.mean())
    expected = np.mean([abs(total) >= seen - 1e-9 for total in sums])
    assert statistics.mann_whitney(a, b) == pytest.approx(expected)
    assert stats.mannwhitneyu(a, b, method="exact").pvalue != pytest.approx(expected, abs=0.01)


def test_a_diverged_trial_ranks_worst_however_large_the_others() -> None:
    a, b = np.array([1e9, 1e9 + 1, np.inf, 1e8]), np.array([1.0, 2.0, 3.0, 4.0])
    assert statistics.mann_whitney(a, b) == pytest.approx(statistics.least_rank_p(4, 4))
    assert statistics.mann_whitney(np.full(8, np.inf), np.full(8, np.inf)) == 1.0


def test_values_that_differ_by_rounding_are_ties() -> None:
    assert statistics.mann_whitney(np.full(8, 0.1 + 0.2), np.full(8, 0.3)) == 1.0


def test_ranks_need_so_many_seeds() -> None:
    assert statistics.least_rank_p(3, 3) == pytest.approx(0.1)
    assert [statistics.seeds_for_ranks(alpha) for alpha in (0.5, 0.05, 0.05 / 6)] == [3, 4, 5]


def test_holm_is_the_worked_example_and_never_reorders() -> None:
    adjusted = statistics.holm(np.array([0.04, 0.01, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.06, 0.03, 0.06, 0.02])


def test_probability_counts_ties_half_and_diverged_worst() -> None:
    a, b = np.array([1.0, 2.0]), np.array([2.0, np.inf])
    assert statistics.probability_lower(a, b) == pytest.approx(3.5 / 4)
    diverged = np.array([np.inf])
    assert statistics.probability_lower(diverged, diverged) == 0.5


@pytest.mark.parametrize(("sd", "alpha"), [((1.0, 1.0), 0.05), ((0.4, 1.7), 0.05 / 6)])
def test_seeds_needed_are_what_a_simulation_needs(sd: tuple[float, float], alpha: float) -> None:
    """Two seeds each that have this mean and this sd exactly."""
    a, b = (mean + s * np.array([-1, 1]) / np.sqrt(2) for mean, s in zip((0, 1.5), sd, strict=True))
    needed = statistics.seeds_needed(a, b, alpha)
    assert needed is not None
    random = np.random.default_rng(4)

    def power(n: int) -> float:
        x, y = random.normal(0, sd[0], (8000, n)), random.normal(1.5, sd[1], (8000, n))
        return float((statistics.welch(x, y).pvalue <= alpha).mean())

    error = 3 * np.sqrt(0.8 * 0.2 / 8000)
    assert power(needed) > 0.8 - error
    assert power(needed - 1) < 0.8 + error
    assert statistics.welch_power(a, b, needed, alpha) == pytest.approx(
        power(needed), abs=2 * error
    )


def test_seeds_needed_give_up_on_a_difference_of_nothing() -> None:
    same = np.array([-1.0, 1.0])
    assert statistics.seeds_needed(same, same, 0.05) is None
    assert statistics.seeds_needed(np.ones(3), np.full(3, 2.0), 0.05) is None
    assert statistics.seeds_needed(same, same + 0.1, 0.05) is None


def test_seeds_needed_are_never_below_the_least_asked_for() -> None:
    values = np.array([-1.0, 1.0])
    assert statistics.seeds_needed(values, values + 50, 0.05, least=9) == 9


def test_letters_are_shared_exactly_by_pairs_that_are_not_different() -> None:
    different = {frozenset("ac"), frozenset("ad"), frozenset("bd")}
    assert statistics.letters("abcd", different) == {"a": "a", "b": "ab", "c": "bc", "d": "c"}


@pytest.mark.parametrize("seed", range(5))
def test_letters_hold_for_any_pattern(seed: int) -> None:
    random, names = np.random.default_rng(seed), [str(i) for i in range(9)]
    different = {frozenset(p) for p in itertools.combinations(names, 2) if random.random() < 0.5}
    letters = statistics.letters(names, different)
    for a, b in itertools.combinations(names, 2):
        assert bool(set(letters[a]) & set(letters[b])) == (frozenset((a, b)) not in different)


def test_best_of_k_is_the_mean_over_all_subsets() -> None:
    values = np.array([4.0, 1.0, 3.0, 9.0])
    expected = [
        np.mean([min(subset) for subset in itertools.combinations(values, k)]) for k in range(1, 5)
    ]
    np.testing.assert_allclose(statistics.best_of(values), expected)
