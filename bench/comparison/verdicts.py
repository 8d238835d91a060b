"""Which differences are real: every pair of rows, on one measure, with a verdict."""

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.comparison import statistics
from bench.comparison.measures import Measure, measure
from bench.comparison.statistics import ALPHA, Array
from bench.comparison.summary import Row

Verdict = Literal["better", "worse", "tied", "too few seeds"]


@dataclass(frozen=True)
class Pair:
    """Row ``a`` against row ``b`` over the seeds that both ran.

    Attributes:
        seeds: shared seeds, diverged ones included (worse than any value).
        finished: how many of them finished on both sides; effect and interval are over these.
        ratio: whether effect and interval are a / b (of geometric means) or a − b.
        effect, low, high: the paired effect and its 95 % t-interval; None where fewer than one
            (effect) or two (interval) seeds finished on both sides.
        p: exact paired sign-flip p, two-sided; None without shared seeds.
        p_holm: p adjusted over every pair of the measure.
        probability: P(a run of a is better than a run of b), ties half.
        verdict: of ``a`` against ``b``.
        needed: shared seeds that a verdict on a difference like this one needs; None when already
            told apart, when 1000 would not do, or when a diverged trial leaves no size to go by.
    """

    a: str
    b: str
    measure: str
    seeds: tuple[int, ...]
    finished: int
    ratio: bool
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    probability: float
    verdict: Verdict
    needed: int | None

    @property
    def told_apart(self) -> bool:
        return self.verdict in ("better", "worse")

    @property
    def diverged(self) -> bool:
        """Whether a diverged trial is among the shared seeds."""
        return self.finished < len(self.seeds)


def pairs(rows: list[Row], name: str) -> list[Pair]:
    """Every pair in the rows' order; none for a measure of which neither less nor more is better.

    What is best near the floor is not judged: both sides of it are bad, each in its own way.
    """
    what = measure(name)
    if what.better not in ("lower", "higher"):
        return []
    losses = {row.name: _losses(row, what, _log(rows, what)) for row in rows}
    both = list(itertools.combinations([row.name for row in rows if losses[row.name]], 2))
    found = [_pair(a, b, losses, what, _log(rows, what)) for a, b in both]
    return _judged(found, losses)


def winner(rows: list[Row], found: list[Pair]) -> str | None:
    """The row that is better than every other, if a verdict says so."""
    for row in rows:
        mine = [pair for pair in found if row.name in (pair.a, pair.b)]
        if len(mine) == len(rows) - 1 > 0 and all(_won(row.name, pair) for pair in mine):
            return row.name
    return None


def groups(rows: list[Row], found: list[Pair]) -> dict[str, str]:
    """Row to its letters; empty where there are too few seeds to tell any pair apart."""
    if all(pair.verdict == "too few seeds" for pair in found):
        return {}
    apart = {frozenset((pair.a, pair.b)) for pair in found if pair.told_apart}
    return statistics.letters([row.name for row in rows], apart)


def _log(rows: list[Row], what: Measure) -> bool:
    """Ratios only where every value is positive: an unbiased distance may be just below 0."""
    values = [value for row in rows for value in row.final(what.name).values]
    return what.ratio and all(value > 0 for value in values)


def _losses(row: Row, what: Measure, log: bool) -> dict[int, float]:
    """Seed to value, smaller is better, on the scale of comparison; inf for a diverged trial."""
    sign = -1.0 if what.better == "higher" else 1.0
    finished = {
        seed: sign * (float(np.log(value)) if log else value)
        for seed, value in row.final(what.name).points
    }
    return finished | {trial.seed: float("inf") for trial in row.diverged}


def _pair(a: str, b: str, losses: dict[str, dict[int, float]], what: Measure, log: bool) -> Pair:
    seeds = sorted(losses[a].keys() & losses[b].keys())
    differences = _differences(losses[a], losses[b], seeds)
    finite = _finite(losses[a], losses[b], seeds)
    effect, low, high = _effect(finite, log, what.better == "higher")
    of_a, of_b = (np.array(list(losses[name].values())) for name in (a, b))
    return Pair(
        a, b, what.name, tuple(seeds), len(finite), log, effect, low, high,
        p=float(statistics.sign_flip(differences)) if seeds else None,
        p_holm=None,
        probability=statistics.probability_lower(of_a, of_b),
        verdict="too few seeds",
        needed=None,
    )  # fmt: skip


def _differences(a: dict[int, float], b: dict[int, float], seeds: list[int]) -> Array:
    """(seeds,); ±inf where one of the two diverged, 0 where both did."""
    return np.array([0.0 if a[seed] == b[seed] else a[seed] - b[seed] for seed in seeds])


def _finite(a: dict[int, float], b: dict[int, float], seeds: list[int]) -> Array:
    both = [seed for seed in seeds if np.isfinite(a[seed]) and np.isfinite(b[seed])]
    return _differences(a, b, both)


def _effect(
    finite: Array, log: bool, flipped: bool
) -> tuple[float | None, float | None, float | None]:
    """a / b or a − b as a reader writes it, with the interval's ends in ascending order."""
    if len(finite) == 0:
        return None, None, None
    sign = -1.0 if flipped else 1.0
    ends = statistics.t_interval(finite) if len(finite) > 1 else ()
    low, high = sorted(sign * float(end) for end in ends) if ends else (None, None)
    told = [None if x is None else float(np.exp(x)) if log else x for x in (low, high)]
    middle = sign * float(finite.mean())
    return (float(np.exp(middle)) if log else middle), told[0], told[1]


def _judged(found: list[Pair], losses: dict[str, dict[int, float]]) -> list[Pair]:
    """The pairs with Holm's p over all of them, the verdict, and the seeds still needed."""
    tested = [pair for pair in found if pair.p is not None]
    adjusted = statistics.holm(np.array([pair.p for pair in tested], float))
    holm = {(pair.a, pair.b): float(p) for pair, p in zip(tested, adjusted, strict=True)}
    judged = []
    for pair in found:
        differences = _differences(losses[pair.a], losses[pair.b], list(pair.seeds))
        p = holm.get((pair.a, pair.b))
        verdict = _verdict(pair, differences, p, len(found))
        needed = _needed(verdict, differences, len(found))
        judged.append(replace(pair, p_holm=p, verdict=verdict, needed=needed))
    return judged


def _verdict(pair: Pair, differences: Array, p: float | None, comparisons: int) -> Verdict:
    if p is None or (p > ALPHA and not _decidable(pair, differences, comparisons)):
        return "too few seeds"
    if p > ALPHA or _interval_covers_none(pair, differences):
        return "tied"
    whole = np.isfinite(differences).all()
    lead = differences if whole else statistics.signed_ranks(differences)
    return "better" if lead.sum() < 0 else "worse"


def _decidable(pair: Pair, differences: Array, comparisons: int) -> bool:
    """Whether so many seeds could have told the pair apart, alone among all the comparisons.

    A seed at which both diverged says nothing, so it does not count where another one speaks.
    """
    speaking = int(np.count_nonzero(differences)) if pair.diverged else 0
    return statistics.smallest_p(speaking or len(differences)) * comparisons <= ALPHA


def _interval_covers_none(pair: Pair, differences: Array) -> bool:
    """Whether the interval holds "no difference"; not asked where a diverged trial decides."""
    if pair.low is None or pair.high is None or not np.isfinite(differences).all():
        return False
    return pair.low <= (1.0 if pair.ratio else 0.0) <= pair.high


def _needed(verdict: Verdict, differences: Array, comparisons: int) -> int | None:
    if verdict == "too few seeds":
        least = statistics.seeds_for_any_verdict(comparisons)
        if len(differences) < 2 or not np.isfinite(differences).all():
            return least
        return statistics.seeds_needed(differences, comparisons)
    if verdict != "tied" or not np.isfinite(differences).all():
        return None
    return statistics.seeds_needed(differences, comparisons, least=len(differences) + 1)


def _won(name: str, pair: Pair) -> bool:
    return pair.verdict == ("better" if name == pair.a else "worse")
