"""Which differences are real: every pair of rows, on one measure, with a verdict.

Two variants are compared by Welch's t-test on log FID, without pairing their seeds (see
`bench.analysis.statistics`), and by the exact Mann-Whitney test where a trial diverged, so that
no mean holds it, or where neither side varies. Holm's correction runs over every pair that
is tested: the variant that a headline calls best was chosen by the same numbers, so a correction
over its own pairs only would be too weak.

Holm stops at r pairs that are not distinguishable. Their least p is above 0.05/r, and every other
pair's p is below it, so that Welch's intervals at the level 1 − 0.05/r leave out equality exactly
where the verdict is *better* or *worse*.
"""

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.analysis import statistics
from bench.analysis.statistics import ALPHA, LEAST_SEEDS, LEVEL, Array
from bench.analysis.summary import Row
from bench.evaluation.declarations import Metric, measure

Verdict = Literal["better", "worse", "not distinguishable", "too few seeds"]
Test = Literal["welch", "mann-whitney"]


@dataclass(frozen=True)
class Pair:
    """Row ``a`` against row ``b``; no seed of one is matched with a seed of the other.

    Attributes:
        n_a, n_b: trials with a result: those that finished with the measure, and those that
            diverged (worse than any value).
        finished_a, finished_b: how many of them finished; the effect is over these.
        test: None where there are too few trials for any.
        ratio: whether effect and interval are a / b (of geometric means) or a − b (of means).
        effect: None where one side has no finished trial.
        low, high: Welch's interval of the effect; None by another test or none.
        level: of the interval, the same for every pair of the measure.
        p: two-sided; None where nothing was tested.
        p_holm: p adjusted over every pair of the measure that was tested.
        probability: P(a run of a is better than a run of b), ties half.
        verdict: of ``a`` against ``b``.
        needed: seeds of each variant that a verdict needs; None when there is one already, when
            1000 would not do, or when a diverged trial leaves no size to go by.
    """

    a: str
    b: str
    measure: str
    n_a: int
    n_b: int
    finished_a: int
    finished_b: int
    test: Test | None
    ratio: bool
    effect: float | None
    low: float | None
    high: float | None
    level: float
    p: float | None
    p_holm: float | None
    probability: float
    verdict: Verdict
    needed: int | None

    @property
    def significant(self) -> bool:
        return self.verdict in ("better", "worse")

    @property
    def diverged(self) -> int:
        """How many trials of the two diverged."""
        return self.n_a + self.n_b - self.finished_a - self.finished_b


def pairs(rows: list[Row], name: str) -> list[Pair]:
    """Every pair in the rows' order; none for a measure of which neither less nor more is better.

    What is best near the floor is not judged: both sides of it are bad, each in its own way.
    """
    what = measure(name)
    if what.better not in ("lower", "higher"):
        return []
    log = _log(rows, what)
    losses = {row.name: _losses(row, what, log) for row in rows}
    both = itertools.combinations([row.name for row in rows if losses[row.name].size], 2)
    return _judged([_tested(a, b, losses, what, log) for a, b in both], losses)


def winner(rows: list[Row], judged: list[Pair]) -> str | None:
    """The row that is better than every other, if a verdict says so."""
    for row in rows:
        mine = [pair for pair in judged if row.name in (pair.a, pair.b)]
        if len(mine) == len(rows) - 1 > 0 and all(_won(row.name, pair) for pair in mine):
            return row.name
    return None


def groups(rows: list[Row], judged: list[Pair]) -> dict[str, str]:
    """Row to its letters; empty where there are too few seeds for a verdict on any pair."""
    if all(pair.verdict == "too few seeds" for pair in judged):
        return {}
    different = {frozenset((pair.a, pair.b)) for pair in judged if pair.significant}
    return statistics.letters([row.name for row in rows], different)


def _log(rows: list[Row], what: Metric) -> bool:
    """Ratios only where every value is positive: an unbiased distance may be just below 0."""
    values = [value for row in rows for value in row.final(what.name).values]
    return what.ratio and all(value > 0 for value in values)


def _losses(row: Row, what: Metric, log: bool) -> Array:
    """(n,) values, smaller is better, on the scale of comparison; inf for a diverged trial."""
    values = np.array(row.final(what.name).values, dtype=float)
    finished = np.log(values) if log else values
    sign = -1.0 if what.better == "higher" else 1.0
    return np.concatenate([sign * finished, np.full(len(row.diverged), np.inf)])


def _tested(a: str, b: str, losses: dict[str, Array], what: Metric, log: bool) -> Pair:
    """The pair with its p, before any correction."""
    of_a, of_b = losses[a], losses[b]
    finished_a, finished_b = (x[np.isfinite(x)] for x in (of_a, of_b))
    test = _test(of_a, of_b)
    return Pair(
        a, b, what.name, len(of_a), len(of_b), len(finished_a), len(finished_b), test, log,
        effect=_effect(finished_a, finished_b, log, what.better == "higher"),
        low=None, high=None, level=LEVEL, p=_p(test, of_a, of_b), p_holm=None,
        probability=statistics.probability_lower(of_a, of_b),
        verdict="too few seeds", needed=None,
    )  # fmt: skip


def _test(a: Array, b: Array) -> Test | None:
    """Which test the pair gets; none for so few trials that no outcome could be a difference.

    A diverged trial is a result: of a variant with one finished trial and seven diverged ones it is
    known well enough that it diverges.
    """
    n, m = len(a), len(b)
    if min(n, m) < LEAST_SEEDS:
        return None
    finite = np.isfinite(a).all() and np.isfinite(b).all()
    if finite and (statistics.varies(a) or statistics.varies(b)):
        return "welch"
    return "mann-whitney" if statistics.least_rank_p(n, m) <= ALPHA else None


def _p(test: Test | None, a: Array, b: Array) -> float | None:
    if test == "welch":
        return float(statistics.welch(a, b).pvalue)
    return statistics.mann_whitney(a, b) if test else None


def _effect(a: Array, b: Array, log: bool, flipped: bool) -> float | None:
    """a / b or a − b of the finished trials, as a reader writes it."""
    if not (len(a) and len(b)):
        return None
    return _on_scale(float(a.mean() - b.mean()), log, flipped)


def _on_scale(difference: float, log: bool, flipped: bool) -> float:
    signed = -difference if flipped else difference
    return float(np.exp(signed)) if log else signed


def _judged(pairs: list[Pair], losses: dict[str, Array]) -> list[Pair]:
    """The pairs with Holm's p over all that were tested, intervals, verdicts, seeds needed."""
    tested = [pair for pair in pairs if pair.p is not None]
    adjusted = statistics.holm(np.array([pair.p for pair in tested], float))
    holm = {(pair.a, pair.b): float(p) for pair, p in zip(tested, adjusted, strict=True)}
    left = sum(p > ALPHA for p in holm.values())
    alpha = ALPHA / max(1, left)
    planned = ALPHA / max(1, left + len(pairs) - len(tested))  # more seeds bring more tests
    return [
        _decided(replace(pair, p_holm=holm.get((pair.a, pair.b))), losses, alpha, planned)
        for pair in pairs
    ]


def _decided(pair: Pair, losses: dict[str, Array], alpha: float, planned: float) -> Pair:
    a, b = losses[pair.a], losses[pair.b]
    low, high = _interval(pair, a, b, 1 - alpha)
    verdict = _verdict(pair, alpha)
    needed = _needed(pair, verdict, a, b, planned)
    return replace(pair, low=low, high=high, level=1 - alpha, verdict=verdict, needed=needed)


def _interval(pair: Pair, a: Array, b: Array, level: float) -> tuple[float | None, float | None]:
    if pair.test != "welch":
        return None, None
    flipped = measure(pair.measure).better == "higher"
    ends = statistics.welch(a, b).confidence_interval(level)
    low, high = sorted(_on_scale(float(end), pair.ratio, flipped) for end in ends)
    return low, high


def _verdict(pair: Pair, alpha: float) -> Verdict:
    if pair.p_holm is not None and pair.p_holm <= ALPHA:
        return "better" if _ahead(pair) else "worse"
    if pair.test is None:
        return "too few seeds"
    of_ranks = pair.test == "mann-whitney"
    undecidable = of_ranks and statistics.least_rank_p(pair.n_a, pair.n_b) > alpha
    return "too few seeds" if undecidable else "not distinguishable"


def _ahead(pair: Pair) -> bool:
    """Whether the difference that was found favours ``a``: by the means, or by the ranks."""
    if pair.test != "welch" or pair.effect is None:
        return pair.probability > 0.5
    lower = pair.effect < (1.0 if pair.ratio else 0.0)
    return lower == (measure(pair.measure).better == "lower")


def _needed(pair: Pair, verdict: Verdict, a: Array, b: Array, alpha: float) -> int | None:
    if verdict == "too few seeds":
        ranked = pair.diverged or min(pair.n_a, pair.n_b) >= LEAST_SEEDS
        return statistics.seeds_for_ranks(alpha) if ranked else LEAST_SEEDS
    if verdict != "not distinguishable" or pair.test != "welch":
        return None
    return statistics.seeds_needed(a, b, alpha, least=min(pair.n_a, pair.n_b) + 1)


def _won(name: str, pair: Pair) -> bool:
    return pair.verdict == ("better" if name == pair.a else "worse")
