"""A verification as a table, in words, and as JSON."""

from collections import Counter
from typing import Any

from bench.analysis import formats
from bench.analysis.formats import Cell, Grid
from bench.analysis.summary import MAIN, Row, decimals
from bench.analysis.verification import Check, CheckedRow, Verdict, Verification
from bench.evaluation.declarations import measure

_HEADS = ("variant", "row", "stored", "fresh", "FID stored", "FID fresh", "expected")
_KINDS: dict[Verdict, str] = {
    "identical": "identical",
    "agrees": "in agreement",
    "differs": "different",
    "too few": "with too few seeds to tell",
}
_TOO_FEW = (
    "Too few: there is no interval. There are fewer than two stored seeds, or all are equal, or no "
    "new seed finished."
)


def verdict(verification: Verification) -> str:
    """One sentence or two: what was run again, and whether any row differs."""
    rows = verification.rows
    counts = Counter(row.verdict for row in rows)
    kinds = [f"{counts[kind]} {word}" for kind, word in _KINDS.items() if counts[kind]]
    differing = [row.stored.name for row in rows if row.verdict == "differs"]
    last = f"Rows that differ: {', '.join(differing)}." if differing else "No row differs."
    again = len(rows) - counts["not run"]
    return f"{again} of {len(rows)} rows were run again: {', '.join(kinds)}. {last}"


def text(verification: Verification) -> str:
    """The table in Markdown, then what its words mean, then the verdict."""
    notes = [
        f"Expected: the {100 * verification.level:.4g} % prediction interval of the mean of the "
        "new seeds, given the stored seeds. If nothing has changed, all rows of a measure lie "
        "inside in 95 % of cases. FID, and how many trials diverged, decide a row. The same: runs "
        "that repeat a stored run to a billionth. They say nothing new."
    ]
    verdicts = {check.verdict for row in verification.rows for check in row.checks}
    notes += [_TOO_FEW] * ("too few" in verdicts)
    notes += [*verification.strangers, *_outside(verification)]
    caption = f"{verification.experiment}: fresh runs against {verification.stored.source}"
    heads = (*_HEADS, *(measure(name).label for name in MAIN))
    grid = Grid("verification", caption, heads, tuple(map(_cells, verification.rows)), tuple(notes))
    return f"{formats.markdown([grid])}\n{verdict(verification)}"


def json_tree(verification: Verification) -> dict[str, Any]:
    """Everything, unrounded."""
    return {
        "experiment": verification.experiment,
        "stored": verification.stored.source,
        "measure": verification.stored.measure,
        "protocol": verification.stored.protocol,
        "level": verification.level,
        "differs": verification.differs,
        "verdict": verdict(verification),
        "rows": [_json_row(row) for row in verification.rows],
        "strangers": list(verification.strangers),
    }


def _cells(row: CheckedRow) -> tuple[Cell, ...]:
    checks = {check.measure: check for check in row.checks}
    fid = checks.get(MAIN[0])
    fresh = [f"{row.repeats} the same"] * bool(row.repeats)
    fresh += [f"{_seeds(row.new)} new"] * bool(len(row.new.trials))
    cells = [
        *(row.stored.name, row.verdict, _seeds(row.stored), ", ".join(fresh) or "–"),
        *((fid.stored.text(), fid.fresh.text(), _expected(fid)) if fid else "–––"),
        *(checks[name].verdict if name in checks else "–" for name in MAIN),
    ]
    return tuple(Cell(cell, bold=cell == "differs") for cell in cells)


def _seeds(row: Row) -> str:
    diverged = len(row.diverged)
    return f"{len(row.done)} ({diverged} diverged)" if diverged else str(len(row.done))


def _expected(check: Check) -> str:
    if check.low is None or check.high is None:
        return "–"
    places = decimals(check.high - check.low)
    return f"{check.low:.{places}f} to {check.high:.{places}f}"


def _outside(verification: Verification) -> list[str]:
    """A sentence for each number that is not where it was to be expected."""
    rows, p = verification.rows, 1 - verification.level
    numbers = [
        f"{row.stored.name}: {measure(check.measure).label} {check.fresh.text()}, "
        f"n = {check.fresh.n} is outside {_expected(check)} (stored {check.stored.text()}, "
        f"n = {check.stored.n})."
        for row in rows
        for check in row.checks
        if check.verdict == "differs"
    ]
    return numbers + [
        f"{row.stored.name}: {len(row.new.diverged)} of {len(row.new.trials)} new trials diverged, "
        f"and {len(row.stored.diverged)} of {len(row.stored.trials)} stored ones (Fisher's exact "
        f"p = {row.p_diverged:.2g})."
        for row in rows
        if row.p_diverged is not None and row.p_diverged <= p
    ]


def _json_row(row: CheckedRow) -> dict[str, Any]:
    return {
        "variant": row.stored.name,
        "verdict": row.verdict,
        "repeats": row.repeats,
        "stored_finished": len(row.stored.done),
        "stored_diverged": len(row.stored.diverged),
        "new_finished": len(row.new.done),
        "new_diverged": len(row.new.diverged),
        "p_diverged": row.p_diverged,
        "measures": {check.measure: _json_check(check) for check in row.checks},
    }


def _json_check(check: Check) -> dict[str, Any]:
    sides = {"stored": check.stored, "fresh": check.fresh}
    values = {
        name: {"n": side.n, "mean": side.mean, "sd": side.sd, "points": dict(side.points)}
        for name, side in sides.items()
    }
    return {"verdict": check.verdict, "low": check.low, "high": check.high, **values}
