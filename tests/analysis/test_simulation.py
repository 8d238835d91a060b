"""Level and power of the verdicts, by simulated experiments (`simulate` prints the table)."""

import numpy as np
import pytest

from bench.analysis import statistics, verdicts
from bench.analysis.statistics import ALPHA

from .simulate import CASES, EXPERIMENTS, PAIR_ALPHA, PAIRS, RATIO, SEEDS, Case, different, rates
from .test_verdicts import row

EQUAL, UNEQUAL, COLLAPSING = CASES
# Level and power of a pair, from an earlier simulation of as many experiments.
EARLIER = {
    (EQUAL, 3): (0.0023, 0.11), (UNEQUAL, 3): (0.0093, 0.03),
    (EQUAL, 5): (0.0060, 0.55), (UNEQUAL, 5): (0.0120, 0.07),
    (EQUAL, 8): (0.0070, 0.93), (UNEQUAL, 8): (0.0097, 0.14),
}  # fmt: skip


def error(share: float, experiments: int = EXPERIMENTS) -> float:
    """Three standard errors of a share."""
    return float(3 * np.sqrt(share * (1 - share) / experiments))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("n", SEEDS)
def test_false_verdicts_are_as_rare_as_promised(case: Case, n: int) -> None:
    simulated = rates(case, n)
    assert simulated.level <= PAIR_ALPHA + error(PAIR_ALPHA)
    assert simulated.family <= ALPHA + error(ALPHA)
    assert simulated.found > simulated.family / 3  # a real difference is found more often
    if (case, n) in EARLIER:
        for new, old in zip((simulated.level, simulated.power), EARLIER[case, n], strict=True):
            assert abs(new - old) <= np.sqrt(2) * error((new + old) / 2)


@pytest.mark.parametrize("case", [EQUAL, UNEQUAL], ids=lambda case: case.name)
@pytest.mark.parametrize("n", SEEDS)
def test_power_is_what_seeds_needed_goes_by(case: Case, n: int) -> None:
    """Two values each that have the case's means and spreads exactly; within 0.1 below 8 seeds."""
    a, b = (sd * np.array([-1, 1]) / np.sqrt(2) for sd in case.sd)
    expected = statistics.welch_power(a, b + np.log(RATIO), n, PAIR_ALPHA)
    assert rates(case, n).power == pytest.approx(expected, abs=0.1 if n < 8 else error(expected))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_simulated_verdicts_are_the_tables_own_and_never_leave_their_intervals(
    case: Case,
) -> None:
    values = case.draw(np.random.default_rng(5), 4, 5)[:40] + np.arange(4)[:, None] * 0.1
    simulated = different(values)
    for experiment, expected in zip(np.exp(values), simulated, strict=True):
        rows = [row(name, list(of)) for name, of in zip("abcd", experiment, strict=True)]
        pairs = verdicts.pairs(rows, "fid")
        assert len(pairs) == len(PAIRS)
        assert [pair.significant for pair in pairs] == list(expected)
        for pair in pairs:
            assert pair.low is not None
            assert pair.high is not None
            assert pair.significant == (not pair.low <= 1 <= pair.high)
    assert 0 < simulated.mean() < 1


def test_ranks_of_diverged_trials_are_rarely_a_false_difference() -> None:
    """Every third trial of both variants diverges."""
    random, experiments = np.random.default_rng(8), 600
    values = random.normal(size=(experiments, 2, 8))
    values[random.random(values.shape) < 1 / 3] = np.inf
    false = np.mean([statistics.mann_whitney(a, b) <= ALPHA for a, b in values])
    assert 0.01 < false <= ALPHA + error(ALPHA, experiments)
