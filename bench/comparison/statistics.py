"""Intervals, exact tests and verdict arithmetic on arrays; knows nothing of records.

The replicate is the training run. Everything works along the last axis, so that the tests can
simulate thousands of experiments at once.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

LEVEL = 0.95
ALPHA = 0.05
# Beyond this many pairs the sign flips are drawn instead of enumerated.
EXACT_UP_TO = 14


def t_interval(values: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """Student's interval for the mean along the last axis.

    Args:
        values: (…, n), n ≥ 2, finite.
        level: nominal coverage.

    Returns:
        lower and upper ends, each (…).
    """
    n = values.shape[-1]
    half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(axis=-1, ddof=1) / math.sqrt(n)
    mean = values.mean(axis=-1)
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
    n = values.shape[-1]
    spread = values.std(axis=-1, ddof=1) * math.sqrt(1 / n + 1 / k)
    half = stats.t.ppf((1 + level) / 2, n - 1) * spread
    mean = values.mean(axis=-1)
    return mean - half, mean + half


def unequal_rates(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Fisher's exact two-sided p of one rate behind two counts (finished, diverged)."""
    return float(stats.fisher_exact([one, other]).pvalue)


def sign_flip(differences: Array) -> Array:
    """Two-sided paired permutation p of no difference, by flipping signs.

    Exact by enumeration up to 14 pairs; with more, 2¹⁶ fixed random flips and the identity. A
    difference of ±inf (one of the two diverged) turns all of its row into signed ranks, where it
    is the largest; 0 (both diverged) stays 0.

    Args:
        differences: (…, n), n ≥ 1.

    Returns:
        p in (0, 1], shape (…).
    """
    finite = np.isfinite(differences).all(axis=-1, keepdims=True)
    scores = np.where(finite, differences, signed_ranks(differences))
    signs = _signs(scores.shape[-1])
    reached = np.abs(scores @ signs.T)
    seen = np.abs(scores.sum(axis=-1, keepdims=True))
    # Sums that are equal on paper differ in the last bits.
    tolerance = 1e-9 * np.abs(scores).sum(axis=-1, keepdims=True)
    p: Array = (reached >= seen - tolerance).mean(axis=-1)
    return p


def signed_ranks(differences: Array) -> Array:
    """Average ranks of |difference| (1 smallest) under the sign of the difference; 0 stays 0."""
    ranks: Array = stats.rankdata(np.abs(differences), axis=-1)
    return np.sign(differences) * ranks


def smallest_p(pairs: int) -> float:
    """The least two-sided p that sign flips of so many pairs can give: 2^(1−n)."""
    return float(min(1.0, 2.0 ** (1 - pairs)))


def seeds_for_any_verdict(comparisons: int, alpha: float = ALPHA) -> int:
    """Shared seeds below which no p, corrected for so many comparisons, can reach alpha."""
    return math.ceil(1 + math.log2(comparisons / alpha))


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


def seeds_needed(
    differences: Array, comparisons: int, least: int = 2, power: float = 0.8, most: int = 1000
) -> int | None:
    """Shared seeds at which a difference of this size and spread would be found.

    By the power of the paired t-test at ALPHA / comparisons (noncentral t), not below ``least`` nor
    what any exact verdict needs; None when that is more than ``most``. The sign flips' own power is
    a few hundredths below 80 % there, because at few seeds their p comes in steps.

    Args:
        differences: (n,), n ≥ 2, finite.
    """
    spread = differences.std(ddof=1)
    floor = max(least, seeds_for_any_verdict(comparisons))
    if spread == 0:
        return floor if differences.mean() != 0 else None
    effect = abs(differences.mean()) / spread
    n = np.arange(floor, most + 1)
    cut = stats.t.ppf(1 - ALPHA / comparisons / 2, n - 1)
    reached = stats.nct.sf(cut, n - 1, effect * np.sqrt(n)) >= power
    return int(n[np.argmax(reached)]) if reached.any() else None


def letters(names: Sequence[str], told_apart: set[frozenset[str]]) -> dict[str, str]:
    """Compact letter display: two names share a letter exactly when they are not told apart.

    Each letter is a maximal group of which no pair is told apart (a maximal clique), lettered in
    the order of ``names``.
    """
    alike = {
        name: {o for o in names if o != name and frozenset((name, o)) not in told_apart}
        for name in names
    }
    groups = sorted(
        (sorted(group, key=names.index) for group in _cliques(set(), set(names), set(), alike)),
        key=lambda group: [names.index(name) for name in group],
    )
    return {
        name: "".join(_letter(i) for i, group in enumerate(groups) if name in group)
        for name in names
    }


def best_of(values: Array) -> Array:
    """E[min of k of the n values] for k = 1..n, drawn without replacement.

    Σ x(i)·C(n−i, k−1) / C(n, k) over the ascending values: what k trials would have bought.
    """
    ordered, n = np.sort(values), len(values)
    return np.array(
        [
            sum(x * math.comb(n - i, k - 1) for i, x in enumerate(ordered, 1)) / math.comb(n, k)
            for k in range(1, n + 1)
        ]
    )


def _signs(n: int) -> Array:
    if n <= EXACT_UP_TO:
        return np.array(list(itertools.product((1.0, -1.0), repeat=n)))
    drawn = np.random.default_rng(0).choice((1.0, -1.0), size=(2**16, n))
    return np.vstack([np.ones(n), drawn])


def _cliques(
    group: set[str], left: set[str], past: set[str], alike: dict[str, set[str]]
) -> list[set[str]]:
    """Bron and Kerbosch (1973): every maximal clique that extends ``group``."""
    if not left and not past:
        return [group]
    found: list[set[str]] = []
    for name in sorted(left):
        found += _cliques(group | {name}, left & alike[name], past & alike[name], alike)
        left, past = left - {name}, past | {name}
    return found


def _letter(index: int) -> str:
    """a … z, then aa, ab …: as a spreadsheet names its columns."""
    rest, last = divmod(index, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("a") + last)
