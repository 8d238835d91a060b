"""Intervals and tests on arrays; knows nothing of records.

The replicate is the training run. Seeds are never paired: two variants at one seed share the order
of the data, but training is chaotic, so their final numbers are not correlated. Intervals and
Welch's test work along the last axis, so that the tests can simulate thousands of experiments at
once.
"""

import bisect
import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

LEVEL = 0.95
ALPHA = 0.05
POWER = 0.8
LEAST_SEEDS = 3
"""Trials of a variant below which no difference is judged."""
MOST_SEEDS = 1000
# Values that differ by less (relative to their size, where that is above 1) are equal.
_ROUNDING = 1e-9


def t_interval(values: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """Student's interval for the mean along the last axis.

    Args:
        values: (…, n), n ≥ 2, finite.
        level: nominal coverage.

    Returns:
        lower and upper ends, each (…).
    """
    n, mean = values.shape[-1], values.mean(axis=-1)
    half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(axis=-1, ddof=1) / math.sqrt(n)
    return mean - half, mean + half


def log_t_interval(values: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """The t-interval of log values, mapped back: an interval for the geometric mean.

    Args:
        values: (…, n), n ≥ 2, positive.
    """
    low, high = t_interval(np.log(values), level)
    return np.exp(low), np.exp(high)


def prediction_interval(values: Array, k: int, level: float = LEVEL) -> tuple[Array, Array]:
    """Where the mean of k further runs falls, given n runs: mean ± t(n−1) · sd · √(1/n + 1/k).

    Both means vary, so this is wider than the interval *of* the mean, which holds the next mean of
    as many runs far less often than its level says (Meeker, Hahn and Escobar, Statistical
    Intervals, 2nd ed. 2017, chapter 4). For normal values; give logarithms of skewed ones.

    Args:
        values: (…, n), n ≥ 2, finite.
        k: further runs, ≥ 1.
        level: nominal coverage.

    Returns:
        lower and upper ends, each (…).
    """
    n, mean = values.shape[-1], values.mean(axis=-1)
    spread = values.std(axis=-1, ddof=1) * math.sqrt(1 / n + 1 / k)
    half = stats.t.ppf((1 + level) / 2, n - 1) * spread
    return mean - half, mean + half


def welch(a: Array, b: Array) -> Any:
    """Welch's (1947) comparison of two means with unequal variances, along the last axis.

    Args:
        a, b: (…, n) and (…, m), n, m ≥ 2, finite; ``varies`` holds of one of the two.

    Returns:
        scipy's result: ``pvalue`` (two-sided, of equal means), ``df`` and
        ``confidence_interval(level)`` of mean a − mean b, which leaves out 0 exactly where the p
        is below 1 − level; each (…).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that one side is constant
        return stats.ttest_ind(a, b, axis=-1, equal_var=False)


def varies(values: Array) -> bool:
    """Whether (n,) values differ by more than rounding."""
    return bool(np.ptp(values) > _ROUNDING * max(1.0, float(np.abs(values).max())))


def mann_whitney(a: Array, b: Array) -> float:
    """Exact two-sided p of the Mann-Whitney test, ties included.

    The sum of a's mid-ranks is compared with the sums of all C(n + m, n) choices of n of the ranks,
    which are counted by their sum. Without ties it is scipy's ``mannwhitneyu(method="exact")``,
    which does not take ties into account.

    Args:
        a, b: (n,) and (m,), n, m ≥ 1; inf is a diverged trial.
    """
    ranks = stats.rankdata(np.round(np.concatenate([a, b]), 9))
    doubled = (2 * ranks).astype(int)  # a mid-rank may end in a half
    ways = np.zeros((len(a) + 1, doubled.sum() + 1))
    ways[0, 0] = 1.0
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, :-rank]
    centre = len(a) * doubled.mean()
    distance = np.abs(np.arange(ways.shape[1]) - centre)
    as_far = distance >= abs(doubled[: len(a)].sum() - centre) - _ROUNDING
    return float(ways[-1, as_far].sum() / ways[-1].sum())


def least_rank_p(n: int, m: int) -> float:
    """The least two-sided p that ranks of n and m trials can give, 2 / C(n + m, n)."""
    return min(1.0, 2 / math.comb(n + m, n))


def seeds_for_ranks(alpha: float) -> int:
    """Trials of each variant below which no ranks can give a p of at most ``alpha``."""
    return next(n for n in itertools.count(LEAST_SEEDS) if least_rank_p(n, n) <= alpha)


def holm(p: Array) -> Array:
    """Holm's (1979) adjusted p along the last axis: family-wise error over m comparisons.

    Args:
        p: (…, m).
    """
    m = p.shape[-1]
    order = np.argsort(p, axis=-1)
    scaled = np.take_along_axis(p, order, axis=-1) * np.arange(m, 0, -1)
    stepped = np.minimum(1.0, np.maximum.accumulate(scaled, axis=-1))
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return adjusted


def probability_lower(a: Array, b: Array) -> float:
    """P(a run of A < a run of B), ties half: Mann–Whitney's U over n·m; inf is a diverged run."""
    above = (a[:, None] < b[None, :]).mean()
    return float(above + 0.5 * (a[:, None] == b[None, :]).mean())


def welch_power(a: Array, b: Array, n: int, alpha: float) -> float:
    """Power of Welch's test with n seeds of each variant, if means and variances are as seen.

    By the noncentral t distribution with the degrees of freedom that n seeds of such variances
    have. Welch's test estimates these from the sample, which costs up to 0.1 of power below 8
    seeds.
    """
    variances = np.array([a.var(ddof=1), b.var(ddof=1)])
    df = (n - 1) * variances.sum() ** 2 / (variances**2).sum()
    shift = abs(a.mean() - b.mean()) / math.sqrt(variances.sum() / n)
    cut = stats.t.ppf(1 - alpha / 2, df)
    return float(stats.nct.sf(cut, df, shift) + stats.nct.cdf(-cut, df, shift))


def seeds_needed(a: Array, b: Array, alpha: float, least: int = LEAST_SEEDS) -> int | None:
    """The least number of seeds of each variant, from ``least``, with 80 % power.

    None where that is more than 1000, or where neither side varies.

    Args:
        a, b: (n,) and (m,), n, m ≥ 2, finite.
        alpha: of the test, corrected for the number of comparisons.
    """
    if not (varies(a) or varies(b)):
        return None
    counts = range(least, MOST_SEEDS + 1)
    place = bisect.bisect_left(counts, POWER, key=lambda n: welch_power(a, b, n, alpha))
    return counts[place] if place < len(counts) else None


def letters(names: Sequence[str], different: set[frozenset[str]]) -> dict[str, str]:
    """Compact letter display: two names share a letter exactly when they are not ``different``.

    Each letter is a maximal group of which no pair is different, lettered in the order of
    ``names``: a group that holds such a pair is split, and what another group contains is dropped
    (Piepho 2004, insert and absorb).
    """
    groups = {frozenset(names)}
    for pair in different:
        parts = {g - {name} for g in groups for name in (pair if pair <= g else {""})}
        groups = {group for group in parts if not any(group < other for other in parts)}
    ordered = sorted(sorted(map(names.index, group)) for group in groups)
    return {
        name: "".join(_letter(i) for i, group in enumerate(ordered) if names.index(name) in group)
        for name in names
    }


def best_of(values: Array) -> Array:
    """E[min of k of the n values] for k = 1..n, drawn without replacement, along the last axis.

    Σ x(i)·C(n−i, k−1) / C(n, k) over the ascending values: what k trials would have bought.

    Args:
        values: (…, n), finite.

    Returns:
        (…, n), by k.
    """
    n = values.shape[-1]
    shares = [
        [math.comb(n - i, k - 1) / math.comb(n, k) for i in range(1, n + 1)]
        for k in range(1, n + 1)
    ]
    return np.asarray(np.sort(values, axis=-1) @ np.array(shares).T)


def spearman(x: Array, y: Array, groups: int = 1) -> tuple[float, float, float]:
    """Spearman's rank correlation with its 95 % interval (Bonett & Wright 2000, Psychometrika 65).

    Fisher's transform of r is about normal with the variance (1 + r²/2) / (n − 3). It has none for
    ±1, in whose place it takes the nearest value that n ranks can have.

    Args:
        x, y: (n,), n ≥ 4, neither constant; inf ranks last.
        groups: within how many groups the values were ranked before; each costs a degree of
            freedom.

    Returns:
        the correlation, and the lower and upper end.
    """
    r = float(stats.spearmanr(stats.rankdata(x), stats.rankdata(y)).statistic)
    n = len(x)
    half = stats.norm.ppf((1 + LEVEL) / 2) * math.sqrt((1 + r**2 / 2) / (n - groups - 2))
    most = 1 - 12 / (n * (n**2 - 1))  # two neighbours have changed places
    centre = math.atanh(min(max(r, -most), most))
    return r, min(r, math.tanh(centre - half)), max(r, math.tanh(centre + half))


def _letter(index: int) -> str:
    """a … z, then aa, ab …: as a spreadsheet names its columns."""
    rest, last = divmod(index, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("a") + last)
