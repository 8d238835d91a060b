"""Does a fresh run of an experiment agree with a stored table of it?

Runs that repeat a stored one (same seed, same numbers to a billionth) are the same runs and no new
evidence; a row of nothing else is ``identical``. The mean of the k other fresh seeds is held
against the prediction interval of such a mean, given the n stored seeds
(`statistics.prediction_interval`): not against the interval of the stored mean, which is too narrow
for it. It is made on the log scale where the table compares by ratios.

As for the table's verdicts, each measure stands on its own and its intervals hold together: of m
rows each gets the level 1 − 0.05/m (Bonferroni), so that a faithful rerun finds any row outside in
at most 5 % of cases. FID decides a row, and so does Fisher's exact test on how many trials
diverged. No fresh run is paired with the stored run of its seed: training is chaotic, so where the
arithmetic differs in the last bit (other hardware), the same seed ends as a new one would. Whatever
the two runs still have in common makes them likelier to agree, never to differ.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.analysis import narrative, statistics
from bench.analysis.records import Records, Trial
from bench.analysis.statistics import ALPHA
from bench.analysis.stored import Stored
from bench.analysis.summary import MAIN, Row, Summary
from bench.errors import UserError
from bench.evaluation.declarations import measure

Verdict = Literal["identical", "agrees", "differs", "too few", "not run"]

_SAME = 1e-9


@dataclass(frozen=True)
class Check:
    """One measure of one row.

    Attributes:
        stored: over the stored seeds that finished.
        fresh: over the fresh seeds that finished and repeat no stored run.
        low, high: where the mean of ``fresh`` (geometric where the measure compares by ratios) was
            to be expected; None where no interval can be made.
        verdict: ``too few``: fewer than two stored values, none fresh, or stored values that are
            all equal, which leave no spread to judge another value by.
    """

    measure: str
    stored: Summary
    fresh: Summary
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True)
class CheckedRow:
    """One row of the stored table with the fresh runs of the same configuration.

    Attributes:
        repeats: how many fresh runs repeat a stored one number for number.
        new: the other fresh runs.
        p_diverged: p of as many of them diverging as of the stored ones; None without new runs.
        checks: one for each main measure that the stored row has.
    """

    stored: Row
    repeats: int
    new: Row
    p_diverged: float | None
    checks: tuple[Check, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Verification:
    """Every stored row against the fresh runs.

    Attributes:
        level: of each interval.
        strangers: a sentence for each fresh row that the stored table does not have.
    """

    experiment: str
    stored: Stored
    level: float
    rows: tuple[CheckedRow, ...]
    strangers: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return any(row.verdict == "differs" for row in self.rows)


def verify(records: Records, stored: Stored) -> Verification:
    """Hold the fresh ``records`` of any part of an experiment against its stored table.

    Raises:
        UserError: two evaluators or protocols, or no fresh run of any stored row.
    """
    _demand_one(records, stored)
    fresh = _fresh(records, stored)
    found = [(row, *_parted(row, fresh)) for row in stored.rows]
    strangers = _strangers(records, stored, fresh)
    if not any(repeated or new.trials for _, repeated, new in found):
        raise UserError(
            f"No fresh run is of a row of {stored.source} ({' '.join(strangers)}): run a variant "
            "of the table in the configuration that it has there."
        )
    level = 1 - ALPHA / max(1, sum(bool(new.trials) for *_, new in found))
    rows = tuple(_checked(row, len(repeated), new, level) for row, repeated, new in found)
    return Verification(records.experiment, stored, level, rows, strangers)


def _demand_one(records: Records, stored: Stored) -> None:
    if records.measure != stored.measure:
        raise UserError(
            f"{stored.source} was measured by {stored.measure} and the fresh runs by "
            f"{records.measure}, so their numbers cannot be compared: run the experiment with the "
            "evaluator and the samples of the table, or name another table with --against FILE."
        )
    if records.protocol != stored.protocol:
        told = _apart([t for row in stored.rows for t in row.trials], records.trials, both=True)
        raise UserError(
            f"{stored.source} is of protocol {stored.protocol} and the fresh runs are of protocol "
            f"{records.protocol}{told and f' ({told})'}, so their numbers cannot be compared: run "
            "the experiment as it was then, or name another table with --against FILE."
        )


def _fresh(records: Records, stored: Stored) -> list[Trial]:
    fresh = [trial for trial in records.trials if trial.run_id not in stored.run_ids]
    if not fresh:
        raise UserError(
            f"{stored.source} was made of the very runs of '{records.experiment}' that this store "
            f"holds, so nothing would be checked: train anew with `{narrative.command(records)} "
            "--store DIR`, then verify with the same --store, or name another table with --against "
            "FILE."
        )
    return fresh


def _parted(row: Row, fresh: list[Trial]) -> tuple[list[Trial], Row]:
    """The fresh runs of one stored row: those that repeat a stored run, and the new ones."""
    mine = [trial for trial in fresh if _settings(trial) == _settings(row.trials[0])]
    stored = {trial.seed: trial for trial in row.trials}
    repeated = [t for t in mine if t.seed in stored and _repeats(t, stored[t.seed])]
    return repeated, Row(row.name, tuple(t for t in mine if t not in repeated))


def _settings(trial: Trial) -> dict[str, str]:
    return {name: value for name, value in trial.params.items() if name != "seed"}


def _repeats(one: Trial, other: Trial) -> bool:
    if one.diverged or other.diverged:
        return one.diverged and other.diverged
    shared = [name for name in MAIN if name in one.final and name in other.final]
    return MAIN[0] in shared and all(_same(one.final[n], other.final[n]) for n in shared)


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME, abs_tol=1e-12)


def _checked(row: Row, repeats: int, new: Row, level: float) -> CheckedRow:
    names = [name for name in MAIN if row.final(name).points]
    unjudged: Verdict | None = None if new.trials else "identical" if repeats else "not run"
    checks = tuple(_check(name, row, new, level, unjudged) for name in names)
    p = statistics.unequal_rates(_counts(row), _counts(new)) if new.trials else None
    verdict: Verdict = unjudged or "too few"
    if p is not None and p <= 1 - level:
        verdict = "differs"
    elif checks and checks[0].measure == MAIN[0]:
        verdict = checks[0].verdict
    return CheckedRow(row, repeats, new, p, checks, verdict)


def _counts(row: Row) -> tuple[int, int]:
    return len(row.done), len(row.diverged)


def _check(name: str, row: Row, new: Row, level: float, unjudged: Verdict | None) -> Check:
    before, now = row.final(name), new.final(name)
    if unjudged or before.n < 2 or now.n == 0:
        return Check(name, before, now, None, None, unjudged or "too few")
    if all(_same(value, before.values[0]) for value in before.values):
        agrees = all(_same(value, before.values[0]) for value in now.values)
        return Check(name, before, now, None, None, "agrees" if agrees else "too few")
    log = measure(name).ratio and min(*before.values, *now.values) > 0
    known, found = (np.log(one.values) if log else np.array(one.values) for one in (before, now))
    ends = [float(end) for end in statistics.prediction_interval(known, now.n, level)]
    agrees = ends[0] <= found.mean() <= ends[1]
    low, high = (math.exp(end) if log else end for end in ends)
    return Check(name, before, now, low, high, "agrees" if agrees else "differs")


def _strangers(records: Records, stored: Stored, fresh: list[Trial]) -> tuple[str, ...]:
    known = [_settings(row.trials[0]) for row in stored.rows]
    found = []
    for name in records.rows:
        mine = [t for t in fresh if t.row == name and _settings(t) not in known]
        kin = [
            t for row in stored.rows for t in row.trials if mine and t.variant == mine[0].variant
        ]
        if kin:
            found.append(f"{name} is configured in another way: {_apart(kin, mine, both=False)}.")
        elif mine:
            found.append(f"{name} is not in the stored table.")
    return tuple(found)


def _apart(stored: Sequence[Trial], fresh: Sequence[Trial], *, both: bool) -> str:
    """``lr 1 there and 2 here``: what all of one side share and the other side does not.

    Args:
        both: only of parameters that both sides have.
    """
    there, here = _common(stored), _common(fresh)
    names = there.keys() & here.keys() if both else there.keys() | here.keys()
    pairs = {name: (there.get(name, "unset"), here.get(name, "unset")) for name in sorted(names)}
    return ", ".join(
        f"{n} {one} there and {two} here" for n, (one, two) in pairs.items() if one != two
    )


def _common(trials: Sequence[Trial]) -> dict[str, str]:
    values = [_settings(trial) for trial in trials]
    return {
        name: value
        for name, value in values[0].items()
        if all(other.get(name) == value for other in values)
    }
