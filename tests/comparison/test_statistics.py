"""Intervals and tests, against known answers and against simulated experiments."""

import itertools

import numpy as np
import pytest
from scipy import stats

from bench.comparison import statistics


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


def test_unequal_rates_are_fishers() -> None:
    assert statistics.unequal_rates((3, 0), (0, 3)) == pytest.approx(0.1)
    assert statistics.unequal_rates((3, 0), (2, 0)) == 1.0


@pytest.mark.parametrize("n", [3, 6, 8])
def test_sign_flip_is_scipys_exact_permutation_test(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.5, 1, n)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert statistics.sign_flip(differences) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("n", "p"), [(1, 1.0), (3, 0.25), (6, 0.03125), (8, 0.0078125)])
def test_the_least_p_is_reached_when_all_differences_agree(n: int, p: float) -> None:
    assert statistics.sign_flip(np.arange(1.0, n + 1)) == p == statistics.smallest_p(n)


def test_with_many_pairs_the_drawn_flips_agree_with_the_t_test() -> None:
    differences = np.random.default_rng(5).normal(0.4, 1, 30)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert statistics.sign_flip(differences) == pytest.approx(expected, abs=0.01)


def test_a_diverged_trial_is_the_largest_difference_however_large_the_others() -> None:
    against = statistics.sign_flip(np.array([np.inf, -1e6, -1e6, -1e6, -1e6, -1e6]))
    ranks = np.array([6.0, -3, -3, -3, -3, -3])
    assert against == statistics.sign_flip(ranks)


def test_identical_values_are_no_evidence() -> None:
    assert statistics.sign_flip(np.zeros(8)) == 1.0


def test_holm_is_the_worked_example_and_never_reorders() -> None:
    adjusted = statistics.holm(np.array([0.04, 0.01, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.06, 0.03, 0.06, 0.02])


def test_family_of_six_pairs_errs_at_most_at_its_rate_under_the_null() -> None:
    """Four equal variants, eight seeds that shift all four alike: any verdict is false."""
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (4000, 4, 8)) + 2 * random.normal(0, 1, (4000, 1, 8))
    pairs = list(itertools.combinations(range(4), 2))
    differences = np.stack([values[:, a] - values[:, b] for a, b in pairs], axis=1)
    rejected = (statistics.holm(statistics.sign_flip(differences)) <= 0.05).any(axis=1).mean()
    assert 0.005 < rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_one_exact_test_errs_at_its_rate_under_the_null() -> None:
    differences = np.random.default_rng(2).standard_t(3, (20_000, 8))
    p = statistics.sign_flip(differences)
    assert (p <= 0.05).mean() == pytest.approx(12 / 256, abs=0.005)


def test_pairing_finds_what_the_seeds_hide() -> None:
    random = np.random.default_rng(3)
    shared = random.normal(0, 5, (2000, 8))
    a = shared + random.normal(1, 0.35, (2000, 8))
    b = shared + random.normal(0, 0.35, (2000, 8))
    paired = (statistics.sign_flip(a - b) <= 0.05).mean()
    unpaired = (stats.ttest_ind(a, b, axis=1).pvalue <= 0.05).mean()
    assert unpaired < 0.1 < 0.95 < paired


def test_six_comparisons_need_eight_seeds_and_one_needs_six() -> None:
    assert statistics.seeds_for_any_verdict(6) == 8
    assert statistics.seeds_for_any_verdict(1) == 6


def test_probability_counts_ties_half_and_diverged_worst() -> None:
    a, b = np.array([1.0, 2.0]), np.array([2.0, np.inf])
    assert statistics.probability_lower(a, b) == pytest.approx(3.5 / 4)
    diverged = np.array([np.inf])
    assert statistics.probability_lower(diverged, diverged) == 0.5


def test_seeds_needed_are_what_a_simulation_needs() -> None:
    """Standardised: differences of mean 0.8 and sd 1 exactly."""
    differences = 0.8 + np.array([-1.0, 1.0]) / np.sqrt(2)
    needed = statistics.seeds_needed(differences, comparisons=1)
    assert needed is not None
    simulated = np.random.default_rng(4).normal(0.8, 1, (4000, needed))
    power = (stats.ttest_1samp(simulated, 0, axis=1).pvalue <= 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.04)


def test_seeds_needed_gives_up_on_a_difference_of_nothing() -> None:
    assert statistics.seeds_needed(np.array([-1.0, 1.0]), comparisons=1) is None
    assert statistics.seeds_needed(np.array([1.0, 1.0]), comparisons=6) == 8


def test_letters_are_shared_exactly_by_pairs_that_are_not_told_apart() -> None:
    apart = {frozenset("ac"), frozenset("ad"), frozenset("bd")}
    assert statistics.letters("abcd", apart) == {"a": "a", "b": "ab", "c": "bc", "d": "c"}


@pytest.mark.parametrize("seed", range(5))
def test_letters_hold_for_any_pattern(seed: int) -> None:
    random, names = np.random.default_rng(seed), [str(i) for i in range(9)]
    apart = {frozenset(p) for p in itertools.combinations(names, 2) if random.random() < 0.5}
    shown = statistics.letters(names, apart)
    for a, b in itertools.combinations(names, 2):
        assert bool(set(shown[a]) & set(shown[b])) == (frozenset((a, b)) not in apart)


def test_best_of_k_is_the_mean_over_all_subsets() -> None:
    values = np.array([4.0, 1.0, 3.0, 9.0])
    expected = [
        np.mean([min(subset) for subset in itertools.combinations(values, k)]) for k in range(1, 5)
    ]
    np.testing.assert_allclose(statistics.best_of(values), expected)
