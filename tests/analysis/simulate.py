"""How often a verdict is false, and how often it finds a real difference, in simulated experiments.

    PYTHONPATH=tests python -m analysis.simulate

prints the table. An experiment draws log FIDs: normal with one spread for each of two kinds of
variant, or with a fifth of the seeds collapsed to five times the FID. A pair is tested at the level
that six comparisons leave to the first; a family is four variants (six pairs) under Holm's
correction, of which the kinds alternate.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from bench.analysis import statistics
from bench.analysis.statistics import ALPHA, Array

EXPERIMENTS = 3000
RATIO = 1.13
VARIANTS = 4
PAIRS = list(itertools.combinations(range(VARIANTS), 2))
PAIR_ALPHA = ALPHA / len(PAIRS)


@dataclass(frozen=True)
class Case:
    """What log FIDs look like: the spread of each kind, and the share of seeds that collapse."""

    name: str
    sd: tuple[float, float]
    collapsed: float = 0.0

    def draw(self, random: np.random.Generator, variants: int, n: int) -> Array:
        """(experiments, variants, n) log FIDs of one true mean for each kind of spread."""
        sd = np.resize(self.sd, variants)[:, None]
        values: Array = sd * random.normal(size=(EXPERIMENTS, variants, n))
        return values + np.log(5) * (random.random(values.shape) < self.collapsed)


CASES = (
    Case("equal, .05 and .05", (0.05, 0.05)),
    Case("unequal, .04 and .17", (0.04, 0.17)),
    Case("a fifth collapses", (0.05, 0.05), 0.2),
)
SEEDS = (3, 5, 8)


@dataclass(frozen=True)
class Rates:
    """Shares of the experiments.

    Attributes:
        level, power: of one pair, without and with a true ratio of 1.13.
        family: in which some of six pairs of equal variants is called different.
        found: of the three pairs of one variant that is better by 1.13, how many are found.
    """

    level: float
    power: float
    family: float
    found: float


def rates(case: Case, n: int) -> Rates:
    random = np.random.default_rng([n, int(1000 * case.sd[1]), int(100 * case.collapsed)])
    a, b = np.moveaxis(case.draw(random, 2, n), 1, 0)
    equal = case.draw(random, VARIANTS, n)
    shifted = equal - np.log(RATIO) * (np.arange(VARIANTS) == 0)[:, None]
    of_first = [pair[0] == 0 for pair in PAIRS]
    return Rates(
        level=float((statistics.welch(a, b).pvalue <= PAIR_ALPHA).mean()),
        power=float((statistics.welch(a, b + np.log(RATIO)).pvalue <= PAIR_ALPHA).mean()),
        family=float(different(equal).any(axis=1).mean()),
        found=float(different(shifted)[:, of_first].mean()),
    )


def different(values: Array) -> np.ndarray:
    """(experiments, pairs) of (experiments, variants, n): which pairs Holm's correction leaves."""
    p = [statistics.welch(values[:, a], values[:, b]).pvalue for a, b in PAIRS]
    return statistics.holm(np.stack(p, axis=1)) <= ALPHA


def main() -> None:
    heads = ("n", "sd of log FID", "level of a pair", "power", "family of 6: any false", "found")
    print(
        f"{EXPERIMENTS} experiments each; a pair at {PAIR_ALPHA:.4f}, a family at {ALPHA}; ", end=""
    )
    print(f"power and found at a ratio of {RATIO}\n")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for n, case in itertools.product(SEEDS, CASES):
        r = rates(case, n)
        cells = (f"{r.level:.4f}", f"{r.power:.3f}", f"{r.family:.4f}", f"{r.found:.3f}")
        print(f"| {n} | {case.name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
