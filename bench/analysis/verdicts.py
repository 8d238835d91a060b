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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from bench.analysis import statistics
from bench.analysis.statistics import ALPHA, LEAST_SEEDS, Array
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


@dataclass(frozen=True)
class _Scale:
    """What two rows are compared on: log values where all are positive, smaller is better."""

    metric: Metric
    log: bool

    def losses(self, row: Row) -> Array:
        """(n,) values; inf for a diverged trial."""
        values = row.final(self.metric.name).values
        finished = np.log(values) if self.log else values
        sign = -1.0 if self.metric.better == "higher" else 1.0
        return np.concatenate([sign * finished, np.full(len(row.diverged), np.inf)])

    def effect(self, difference: float) -> float:
        """A difference of two losses as a reader writes it: a / b or a − b."""
        signed = -difference if self.metric.better == "higher" else difference
        return float(np.exp(signed)) if self.log else float(signed)


def pairs(rows: Iterable[Row], name: str, control: str = "") -> list[Pair]:
    """Every pair in the rows' order; none for a measure of which neither less nor more is better.

    With a control only each other row (``a``) and the control (``b``), and the correction is over
    these. What is best near the floor is not judged: both sides of it are bad, each in its own way.
    They are worked out once for the same rows.
    """
    return _pairs(tuple(rows), name, control)


@lru_cache(maxsize=128)
def _pairs(rows: tuple[Row, ...], name: str, control: str) -> list[Pair]:
    metric = measure(name)
    if metric.better not in ("lower", "higher"):
        return []
    # Ratios only where every value is positive: an unbiased distance may be just below 0.
    log = metric.ratio and all((row.final(name).values > 0).all() for row in rows)
    scale = _Scale(metric, log)
    losses = {row.name: values for row in rows if (values := scale.losses(row)).size}
    both = list(itertools.combinations(losses, 2))
    if control:
        both = [(row, control) for row in losses if row != control and control in losses]
    tested = [_tested(losses[a], losses[b]) for a, b in both]
    adjusted = iter(statistics.holm(np.array([t.p for t in tested if t.p is not None], float)))
    p_holm = [None if t.p is None else float(next(adjusted)) for t in tested]
    left = sum(p > ALPHA for p in p_holm if p is not None)
    alpha = ALPHA / max(1, left)
    planned = ALPHA / max(1, left + p_holm.count(None))  # more seeds bring more tests
    return [
        _pair(a, b, losses[a], losses[b], scale, test, corrected, alpha, planned)
        for (a, b), test, corrected in zip(both, tested, p_holm, strict=True)
    ]


def winner(rows: list[Row], judged: list[Pair]) -> str | None:
    """The row that is better than every other, if a verdict says so."""
    for name in [row.name for row in rows]:
        own = [pair for pair in judged if name in (pair.a, pair.b)]
        won = all(pair.verdict == ("better" if name == pair.a else "worse") for pair in own)
        if len(own) == len(rows) - 1 > 0 and won:
            return name
    return None


def groups(rows: list[Row], judged: list[Pair]) -> dict[str, str]:
    """Row to its letters; empty where there are too few seeds for a verdict on any pair."""
    if all(pair.verdict == "too few seeds" for pair in judged):
        return {}
    different = {frozenset((pair.a, pair.b)) for pair in judged if pair.significant}
    return statistics.letters([row.name for row in rows], different)


class _Tested(NamedTuple):
    """The test of a pair, its p, and by Welch's the interval of a difference at a level."""

    name: Test | None = None
    p: float | None = None
    interval: Callable[[float], tuple[float, float]] | None = None


def _tested(a: Array, b: Array) -> _Tested:
    """By no test for so few trials that no outcome is a difference.

    A diverged trial is a result: of a variant with one finished trial and seven diverged ones it is
    known well enough that it diverges.
    """
    if min(len(a), len(b)) < LEAST_SEEDS:
        return _Tested()
    if np.isfinite([*a, *b]).all() and (statistics.varies(a) or statistics.varies(b)):
        result = statistics.welch(a, b)
        return _Tested("welch", float(result.pvalue), result.confidence_interval)
    if statistics.least_rank_p(len(a), len(b)) <= ALPHA:
        return _Tested("mann-whitney", statistics.mann_whitney(a, b))
    return _Tested()


def _pair(
    name_a: str, name_b: str, a: Array, b: Array, scale: _Scale, tested: _Tested,
    p_holm: float | None, alpha: float, planned: float,
) -> Pair:  # fmt: skip
    finished_a, finished_b = (x[np.isfinite(x)] for x in (a, b))
    probability = statistics.probability_lower(a, b)
    effect, ahead = None, probability > 0.5
    low, high, test = None, None, tested.name
    if len(finished_a) and len(finished_b):
        difference = finished_a.mean() - finished_b.mean()
        effect = scale.effect(difference)
        ahead = difference < 0 if test == "welch" else ahead
    if tested.interval:
        low, high = sorted(map(scale.effect, tested.interval(1 - alpha)))
    verdict = _verdict(test, p_holm, ahead, statistics.least_rank_p(len(a), len(b)) > alpha)
    return Pair(
        name_a, name_b, scale.metric.name, len(a), len(b), len(finished_a), len(finished_b), test,
        scale.log, effect, low, high, 1 - alpha, tested.p, p_holm, probability, verdict,
        _needed(verdict, test, a, b, planned),
    )  # fmt: skip


def _verdict(
    test: Test | None, p_holm: float | None, ahead: bool, ranks_undecidable: bool
) -> Verdict:
    if p_holm is not None and p_holm <= ALPHA:
        return "better" if ahead else "worse"
    if test is None or (test == "mann-whitney" and ranks_undecidable):
        return "too few seeds"
    return "not distinguishable"


def _needed(verdict: Verdict, test: Test | None, a: Array, b: Array, alpha: float) -> int | None:
    least = min(len(a), len(b))
    if verdict == "too few seeds":
        ranked = np.isinf([*a, *b]).any() or least >= LEAST_SEEDS
        return statistics.seeds_for_ranks(alpha) if ranked else LEAST_SEEDS
    if verdict != "not distinguishable" or test != "welch":
        return None
    return statistics.seeds_needed(a, b, alpha, least=least + 1)
