"""A verification as a table, in words, and as JSON."""

from collections import Counter
from typing import Any

from bench.analysis import formats
from bench.analysis.summary import MAIN, Summary, decimals
from bench.analysis.table import Cell, Grid
from bench.analysis.verification import Check, CheckedRow, Verdict, Verification
from bench.evaluation.declarations import measure

_HEADS = ("variant", "row", "stored", "fresh", "FID stored", "FID fresh", "expected")


def text(found: Verification) -> str:
    """The table in Markdown, then what its words mean, then the verdict."""
    heads = (*_HEADS, *(measure(name).label for name in MAIN))
    rows = tuple(_row(row) for row in found.rows)
    caption = f"{found.experiment}: fresh runs against {found.stored.source}"
    grid = Grid("verification", caption, heads, rows, (*_notes(found), *_outside(found)))
    return f"{formats.markdown([grid])}\n{verdict(found)}"


def verdict(found: Verification) -> str:
    """One sentence or two: what was run again, and whether any row differs."""
    counts = Counter(row.verdict for row in found.rows)
    again = len(found.rows) - counts["not run"]
    kinds = [f"{counts[kind]} {_KINDS[kind]}" for kind in _KINDS if counts[kind]]
    differing = [row.stored.name for row in found.rows if row.verdict == "differs"]
    last = f"Rows that differ: {', '.join(differing)}." if differing else "No row differs."
    return f"{again} of {len(found.rows)} rows were run again: {', '.join(kinds)}. {last}"


_KINDS: dict[Verdict, str] = {
    "identical": "identical",
    "agrees": "in agreement",
    "differs": "different",
    "too few": "with too few seeds to tell",
}


def json_tree(found: Verification) -> dict[str, Any]:
    """Everything, unrounded."""
    return {
        "experiment": found.experiment,
        "stored": found.stored.source,
        "measure": found.stored.measure,
        "protocol": found.stored.protocol,
        "level": found.level,
        "differs": found.differs,
        "verdict": verdict(found),
        "rows": [_json_row(row) for row in found.rows],
        "strangers": list(found.strangers),
    }


def _row(row: CheckedRow) -> tuple[Cell, ...]:
    checks = {check.measure: check for check in row.checks}
    fid = checks.get(MAIN[0])
    cells = [
        row.stored.name,
        row.verdict,
        _seeds(len(row.stored.done), len(row.stored.diverged)),
        _fresh(row),
        fid.stored.text() if fid else "–",
        fid.fresh.text() if fid else "–",
        _expected(fid) if fid else "–",
        *(checks[name].verdict if name in checks else "–" for name in MAIN),
    ]
    return tuple(Cell(cell, bold=cell == "differs") for cell in cells)


def _fresh(row: CheckedRow) -> str:
    parts = [f"{row.repeats} the same"] if row.repeats else []
    if len(row.new.trials):
        parts.append(f"{_seeds(len(row.new.done), len(row.new.diverged))} new")
    return ", ".join(parts) or "–"


def _seeds(finished: int, diverged: int) -> str:
    return f"{finished} ({diverged} diverged)" if diverged else str(finished)


def _expected(check: Check) -> str:
    if check.low is None or check.high is None:
        return "–"
    places = decimals(check.high - check.low)
    return f"{check.low:.{places}f} to {check.high:.{places}f}"


def _notes(found: Verification) -> list[str]:
    notes = [
        f"Expected: the {100 * found.level:.4g} % prediction interval of the mean of the new "
        "seeds, given the stored ones, so that all rows of a faithful rerun lie inside in 95 % of "
        "cases, measure by measure. FID, and how many trials diverged, decide a row. The same: "
        "runs that repeat a stored one to a billionth; they say nothing new."
    ]
    verdicts = {check.verdict for row in found.rows for check in row.checks}
    if "too few" in verdicts:
        notes.append(
            "Too few: fewer than two stored seeds, or stored seeds that are all equal, give no "
            "interval; or no new seed finished."
        )
    return [*notes, *found.strangers]


def _outside(found: Verification) -> list[str]:
    """A sentence for each number that is not where it was to be expected."""
    sentences = [
        f"{row.stored.name}: {measure(check.measure).label} {_mean(check.fresh)} is outside "
        f"{_expected(check)} (stored {_mean(check.stored)})."
        for row in found.rows
        for check in row.checks
        if check.verdict == "differs"
    ]
    sentences += [
        f"{row.stored.name}: {len(row.new.diverged)} of {len(row.new.trials)} new trials diverged, "
        f"and {len(row.stored.diverged)} of {len(row.stored.trials)} stored ones (Fisher's exact "
        f"p = {row.p_diverged:.2g})."
        for row in found.rows
        if row.p_diverged is not None and row.p_diverged <= 1 - found.level
    ]
    return sentences


def _mean(value: Summary) -> str:
    return f"{value.text()}, n = {value.n}" if value.n else "–"


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
    return {
        "verdict": check.verdict,
        "low": check.low,
        "high": check.high,
        **{
            name: {"n": side.n, "mean": side.mean, "sd": side.sd, "points": dict(side.points)}
            for name, side in sides.items()
        },
    }
