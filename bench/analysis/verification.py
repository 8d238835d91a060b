"""Does a fresh run of an experiment agree with a stored table of it?

Runs that repeat a stored one (same seed, same numbers to a billionth) are the same runs and say
nothing new; a row of nothing else is ``identical``. The mean of the k other fresh seeds is compared
with the prediction interval of such a mean, given the n stored seeds
(`statistics.prediction_interval`); the interval of the stored mean would be too narrow. It is made
on the log scale where the table compares by ratios.

Each measure stands on its own: of m rows each interval gets the level 1 − 0.05/m (Bonferroni), so
that a faithful rerun finds any row outside in at most 5 % of cases. FID decides a row, and so does
Fisher's exact test on how many trials diverged. No fresh run is paired with the stored run of its
seed: training is chaotic, so where the rounding differs in the last bit (other hardware), the same
seed ends as a new one would.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from bench.analysis import narrative, statistics
from bench.analysis.data import Stored
from bench.analysis.records import ROW, Records, shared
from bench.analysis.statistics import ALPHA
from bench.analysis.summary import MAIN, Row, Summary
from bench.errors import UserError
from bench.evaluation.declarations import measure

Verdict = Literal["identical", "agrees", "differs", "too few", "not run"]

_same = partial(math.isclose, rel_tol=1e-9, abs_tol=1e-12)
_ELSE = "or name another table with --against FILE."


@dataclass(frozen=True)
class Check:
    """One measure of one row.

    Attributes:
        verdict: ``too few``: fewer than two stored values, none fresh, or stored values that are
            all equal, which leave no spread to judge another value by.
        low, high: where the mean of ``fresh`` (geometric where the measure compares by ratios) was
            to be expected; None where no interval can be made.
        stored: over the stored seeds that finished.
        fresh: over the fresh seeds that finished and repeat no stored run.
    """

    verdict: Verdict
    low: float | None
    high: float | None
    stored: Summary
    fresh: Summary


@dataclass(frozen=True)
class CheckedRow:
    """One row of the stored table with the fresh runs of the same configuration.

    Attributes:
        repeats: how many fresh runs repeat a stored one number for number; ``new`` are the others.
        p_diverged: p of as many of them diverging as of the stored ones; None without new runs.
        measures: each main measure that the stored row has.
    """

    variant: str
    verdict: Verdict
    repeats: int
    stored_finished: int
    stored_diverged: int
    new_finished: int
    new_diverged: int
    p_diverged: float | None
    measures: dict[str, Check]


@dataclass(frozen=True)
class Verification:
    """Every stored row compared with the fresh runs; the JSON has the same keys.

    Attributes:
        stored: where the stored table was read.
        level: of each interval.
        strangers: a sentence for each fresh row that the stored table does not have.
    """

    experiment: str
    stored: str
    measure: str
    protocol: str
    level: float
    rows: list[CheckedRow]
    strangers: list[str]

    @property
    def differing(self) -> list[str]:
        """The rows that differ, by name."""
        return [row.variant for row in self.rows if row.verdict == "differs"]


def verify(records: Records, stored: Stored) -> Verification:
    """Compare the fresh ``records`` of any part of an experiment with its stored table.

    Raises:
        UserError: two evaluators or protocols, no fresh run at all, or none of any stored row.
    """
    known = pd.concat([row.trials for row in stored.rows])
    trials = records.trials.drop(index=list(known.index), errors="ignore")
    _check_comparable(records, stored, known, trials)
    fresh = [Row(str(name), of_row) for name, of_row in trials.groupby(ROW)]
    parts = [(row, *_parted(row, fresh)) for row in stored.rows]
    strangers = _strangers(stored, fresh)
    if not any(repeats or len(new.trials) for _, repeats, new in parts):
        raise UserError(
            f"No fresh run is of a row of {stored.source} ({' '.join(strangers)}): run a variant "
            "of the table in the configuration that it has there."
        )
    level = 1 - ALPHA / max(1, sum(bool(len(new.trials)) for *_, new in parts))
    rows = [_checked(row, repeats, new, level) for row, repeats, new in parts]
    about = (stored.source, stored.measure, stored.protocol)
    return Verification(records.experiment, *about, level, rows, strangers)


def _check_comparable(
    records: Records, stored: Stored, known: pd.DataFrame, fresh: pd.DataFrame
) -> None:
    if records.measure != stored.measure:
        raise UserError(
            f"{stored.source} was measured by {stored.measure} and the fresh runs by "
            f"{records.measure}, so their numbers cannot be compared: run the experiment with the "
            f"evaluator and the samples of the table, {_ELSE}"
        )
    if records.protocol != stored.protocol:
        apart = _apart(known, records.trials, both=True)
        raise UserError(
            f"{stored.source} is of protocol {stored.protocol} and the fresh runs are of protocol "
            f"{records.protocol}{apart and f' ({apart})'}, so their numbers cannot be compared: "
            f"run the experiment as it was then, {_ELSE}"
        )
    if fresh.empty:
        raise UserError(
            f"{stored.source} was made of the very runs of '{records.experiment}' that this store "
            f"holds, so nothing would be checked: train again with `{narrative.command(records)} "
            f"--store DIR`, then verify with the same --store, {_ELSE}"
        )


def _parted(row: Row, fresh: list[Row]) -> tuple[int, Row]:
    """Of the fresh runs of one stored row: how many repeat a stored run, and the new ones."""
    same = [other.trials for other in fresh if shared(other.trials) == shared(row.trials)]
    trials = same[0] if same else row.trials[:0]
    before = row.trials.set_index("seed")
    repeats = [
        trial["seed"] in before.index and _repeats(trial, before.loc[trial["seed"]])
        for _, trial in trials.iterrows()
    ]
    return sum(repeats), Row(row.name, trials[~np.array(repeats, bool)])


def _repeats(fresh: "pd.Series[Any]", stored: "pd.Series[Any]") -> bool:
    if "diverged" in (fresh["status"], stored["status"]):
        return bool(fresh["status"] == stored["status"])
    columns = [f"final/{name}" for name in MAIN]
    pairs = pd.DataFrame({"old": stored.reindex(columns), "new": fresh.reindex(columns)}).dropna()
    return columns[0] in pairs.index and all(map(_same, pairs["old"], pairs["new"]))


def _checked(row: Row, repeats: int, new: Row, level: float) -> CheckedRow:
    unjudged: Verdict | None = None if len(new.trials) else "identical" if repeats else "not run"
    checks = {m: _check(m, row, new, level, unjudged) for m in MAIN if row.final(m).n}
    counts = [(len(part.done), len(part.diverged)) for part in (row, new)]
    p = None if unjudged else float(stats.fisher_exact(counts).pvalue)
    by_fid = checks[MAIN[0]].verdict if MAIN[0] in checks else "too few"
    by_divergence = p is not None and p <= 1 - level
    verdict = unjudged or ("differs" if by_divergence else by_fid)
    return CheckedRow(row.name, verdict, repeats, *counts[0], *counts[1], p, checks)


def _check(name: str, row: Row, new: Row, level: float, unjudged: Verdict | None) -> Check:
    before, now = row.final(name), new.final(name)
    if unjudged or before.n < 2 or now.n == 0:
        return Check(unjudged or "too few", None, None, before, now)
    if all(_same(value, before.values[0]) for value in before.values):
        agrees = all(_same(value, before.values[0]) for value in now.values)
        return Check("agrees" if agrees else "too few", None, None, before, now)
    log = measure(name).ratio and min(*before.values, *now.values) > 0
    stored, fresh = (np.log(x.values) if log else x.values for x in (before, now))
    ends = [float(end) for end in statistics.prediction_interval(stored, now.n, level)]
    agrees = bool(ends[0] <= fresh.mean() <= ends[1])
    low, high = (math.exp(end) if log else end for end in ends)
    return Check("agrees" if agrees else "differs", low, high, before, now)


def _strangers(stored: Stored, fresh: list[Row]) -> list[str]:
    sentences = []
    known = [shared(row.trials) for row in stored.rows]
    for row in [row for row in fresh if shared(row.trials) not in known]:
        variant = row.trials["variant"].iloc[0]
        kin = [r.trials for r in stored.rows if r.trials["variant"].iloc[0] == variant]
        sentences.append(
            f"{row.name} is configured in another way: "
            f"{_apart(pd.concat(kin), row.trials, both=False)}."
            if kin
            else f"{row.name} is not in the stored table."
        )
    return sentences


def _apart(stored: pd.DataFrame, fresh: pd.DataFrame, *, both: bool) -> str:
    """``lr 1 there and 2 here``: what all of one side share and the other side does not.

    Args:
        both: only of parameters that both sides have.
    """
    there, here = shared(stored), shared(fresh)
    names = there.keys() & here.keys() if both else there.keys() | here.keys()
    pairs = {name: (there.get(name, "unset"), here.get(name, "unset")) for name in sorted(names)}
    return ", ".join(f"{n} {a} there and {b} here" for n, (a, b) in pairs.items() if a != b)
