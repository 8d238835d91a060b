"""A verification as a table, in words, and as JSON."""

import json
from collections import Counter
from typing import Any

from bench.analysis import formats
from bench.analysis.formats import Cell, Grid
from bench.analysis.summary import MAIN, Summary, between
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
    rows, differing = verification.rows, verification.differing
    counts = Counter(row.verdict for row in rows)
    kinds = [f"{counts[kind]} {word}" for kind, word in _KINDS.items() if counts[kind]]
    last = f"Rows that differ: {', '.join(differing)}." if differing else "No row differs."
    again = len(rows) - counts["not run"]
    return f"{again} of {len(rows)} rows were run again: {', '.join(kinds)}. {last}"


def text(verification: Verification) -> str:
    """The table in Markdown, then what its words mean, then the verdict."""
    rows = verification.rows
    notes = [
        f"Expected: the {100 * verification.level:.4g} % prediction interval of the mean of the "
        "new seeds, given the stored seeds. If nothing has changed, all rows of a measure lie "
        "inside in 95 % of cases. FID, and how many trials diverged, decide a row. The same: runs "
        "that repeat a stored run to a billionth. They say nothing new."
    ]
    notes += [_TOO_FEW] * any(c.verdict == "too few" for row in rows for c in row.measures.values())
    notes += verification.strangers
    notes += [
        f"{row.variant}: {measure(name).label} {check.fresh.text()}, n = {check.fresh.n} is "
        f"outside {_expected(check)} (stored {check.stored.text()}, n = {check.stored.n})."
        for row in rows
        for name, check in row.measures.items()
        if check.verdict == "differs"
    ]
    notes += [
        f"{row.variant}: {row.new_diverged} of {row.new_finished + row.new_diverged} new trials "
        f"diverged, and {row.stored_diverged} of {row.stored_finished + row.stored_diverged} "
        f"stored ones (Fisher's exact p = {row.p_diverged:.2g})."
        for row in rows
        if row.p_diverged is not None and row.p_diverged <= 1 - verification.level
    ]
    caption = f"{verification.experiment}: fresh runs against {verification.stored}"
    heads = (*_HEADS, *(measure(name).label for name in MAIN))
    grid = Grid("verification", caption, heads, tuple(map(_cells, rows)), tuple(notes))
    return f"{formats.markdown([grid])}\n{verdict(verification)}"


def json_text(verification: Verification) -> str:
    """Everything, unrounded."""
    conclusion = {"differs": bool(verification.differing), "verdict": verdict(verification)}
    return json.dumps(vars(verification) | conclusion, default=_tree, allow_nan=False)


def _tree(part: CheckedRow | Check | Summary) -> dict[str, Any]:
    if isinstance(part, Summary):
        return {"n": part.n, "mean": part.mean, "sd": part.sd, "points": dict(part.points)}
    return dict(vars(part))


def _cells(row: CheckedRow) -> tuple[Cell, ...]:
    fid, new = row.measures.get(MAIN[0]), _seeds(row.new_finished, row.new_diverged)
    fresh = [f"{row.repeats} the same"] * bool(row.repeats) + [f"{new} new"] * (new != "0")
    cells = [
        *(row.variant, row.verdict, _seeds(row.stored_finished, row.stored_diverged)),
        *(", ".join(fresh) or "–",),
        *((fid.stored.text(), fid.fresh.text(), _expected(fid)) if fid else "–––"),
        *(row.measures[m].verdict if m in row.measures else "–" for m in MAIN),
    ]
    return tuple(Cell(cell, bold=cell == "differs") for cell in cells)


def _seeds(finished: int, diverged: int) -> str:
    return f"{finished} ({diverged} diverged)" if diverged else str(finished)


def _expected(check: Check) -> str:
    if check.low is None or check.high is None:
        return "–"
    return between(check.low, check.high)
