"""Does a fresh run of an experiment agree with a stored table of it?

Runs that repeat a stored one (same seed, same numbers to a billionth) are the same runs and say
nothing new; a row of nothing else is ``identical``. The mean of the k other fresh seeds is compared
with the prediction interval of such a mean, given the n stored seeds
(`statistics.prediction_interval`): not with the interval of the stored mean, which is too narrow
for it. It is made on the log scale where the table compares by ratios.

As for the table's verdicts, each measure stands on its own and its intervals hold together: of m
rows each gets the level 1 − 0.05/m (Bonferroni), so that a faithful rerun finds any row outside in
at most 5 % of cases. FID decides a row, and so does Fisher's exact test on how many trials
diverged. No fresh run is paired with the stored run of its seed: training is chaotic, so where the
rounding differs in the last bit (other hardware), the same seed ends as a new one would. Whatever
the two runs still have in common makes them likelier to agree, never to differ.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bench.analysis import narrative, statistics
from bench.analysis.records import ROW, Records, parameters
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
    """Compare the fresh ``records`` of any part of an experiment with its stored table.

    Raises:
        UserError: two evaluators or protocols, or no fresh run of any stored row.
    """
    _demand_one(records, stored)
    fresh = _fresh(records, stored)
    parted = [(row, *_parted(row, fresh)) for row in stored.rows]
    strangers = _strangers(stored, fresh)
    if not any(repeats or len(new.trials) for _, repeats, new in parted):
        raise UserError(
            f"No fresh run is of a row of {stored.source} ({' '.join(strangers)}): run a variant "
            "of the table in the configuration that it has there."
        )
    level = 1 - ALPHA / max(1, sum(bool(len(new.trials)) for *_, new in parted))
    rows = tuple(_checked(row, repeats, new, level) for row, repeats, new in parted)
    return Verification(records.experiment, stored, level, rows, strangers)


def _demand_one(records: Records, stored: Stored) -> None:
    if records.measure != stored.measure:
        raise UserError(
            f"{stored.source} was measured by {stored.measure} and the fresh runs by "
            f"{records.measure}, so their numbers cannot be compared: run the experiment with the "
            "evaluator and the samples of the table, or name another table with --against FILE."
        )
    if records.protocol != stored.protocol:
        apart = _apart(pd.concat([row.trials for row in stored.rows]), records.trials, both=True)
        raise UserError(
            f"{stored.source} is of protocol {stored.protocol} and the fresh runs are of protocol "
            f"{records.protocol}{apart and f' ({apart})'}, so their numbers cannot be compared: "
            "run the experiment as it was then, or name another table with --against FILE."
        )


def _fresh(records: Records, stored: Stored) -> list[Row]:
    """The fresh trials, as rows of one configuration each."""
    fresh = records.trials.drop(index=list(stored.run_ids), errors="ignore")
    if fresh.empty:
        raise UserError(
            f"{stored.source} was made of the very runs of '{records.experiment}' that this store "
            f"holds, so nothing would be checked: train again with `{narrative.command(records)} "
            "--store DIR`, then verify with the same --store, or name another table with --against "
            "FILE."
        )
    return [Row(str(name), trials) for name, trials in fresh.groupby(ROW)]


def _parted(row: Row, fresh: list[Row]) -> tuple[int, Row]:
    """Of the fresh runs of one stored row: how many repeat a stored run, and the new ones."""
    mine = [other.trials for other in fresh if _common(other.trials) == _common(row.trials)]
    trials = mine[0] if mine else row.trials[:0]
    before = row.trials.set_index("seed")
    repeats = [
        trial["seed"] in before.index and _repeats(trial, before.loc[trial["seed"]])
        for _, trial in trials.iterrows()
    ]
    return sum(repeats), Row(row.name, trials[~np.array(repeats, bool)])


def _repeats(fresh: "pd.Series[Any]", stored: "pd.Series[Any]") -> bool:
    if "diverged" in (fresh["status"], stored["status"]):
        return bool(fresh["status"] == stored["status"])
    pairs = {name: (fresh.get(f"final/{name}"), stored.get(f"final/{name}")) for name in MAIN}
    shared = {name: pair for name, pair in pairs.items() if pd.Series(pair).notna().all()}
    return MAIN[0] in shared and all(_same(*pair) for pair in shared.values())


def _same(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=_SAME, abs_tol=1e-12)


def _checked(row: Row, repeats: int, new: Row, level: float) -> CheckedRow:
    names = [name for name in MAIN if row.final(name).n]
    unjudged: Verdict | None = None if len(new.trials) else "identical" if repeats else "not run"
    checks = tuple(_check(name, row, new, level, unjudged) for name in names)
    p = None if unjudged else statistics.unequal_rates(_counts(row), _counts(new))
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
    stored, fresh = (np.log(x.values) if log else np.array(x.values) for x in (before, now))
    ends = [float(end) for end in statistics.prediction_interval(stored, now.n, level)]
    agrees = ends[0] <= fresh.mean() <= ends[1]
    low, high = (math.exp(end) if log else end for end in ends)
    return Check(name, before, now, low, high, "agrees" if agrees else "differs")


def _strangers(stored: Stored, fresh: list[Row]) -> tuple[str, ...]:
    sentences = []
    for row in fresh:
        if any(_common(row.trials) == _common(known.trials) for known in stored.rows):
            continue
        variant = row.trials["variant"].iloc[0]
        kin = [k.trials for k in stored.rows if k.trials["variant"].iloc[0] == variant]
        apart = kin and _apart(pd.concat(kin), row.trials, both=False)
        sentences.append(
            f"{row.name} is configured in another way: {apart}."
            if apart
            else f"{row.name} is not in the stored table."
        )
    return tuple(sentences)


def _apart(stored: pd.DataFrame, fresh: pd.DataFrame, *, both: bool) -> str:
    """``lr 1 there and 2 here``: what all of one side share and the other side does not.

    Args:
        both: only of parameters that both sides have.
    """
    there, here = _common(stored), _common(fresh)
    names = there.keys() & here.keys() if both else there.keys() | here.keys()
    pairs = {name: (there.get(name, "unset"), here.get(name, "unset")) for name in sorted(names)}
    return ", ".join(
        f"{n} {old} there and {new} here" for n, (old, new) in pairs.items() if old != new
    )


def _common(trials: pd.DataFrame) -> dict[str, str]:
    """The parameters, without the seed, that all of the trials share."""
    first, *rest = parameters(trials)
    return {
        name: value
        for name, value in first.items()
        if name != "seed" and all(other.get(name) == value for other in rest)
    }
