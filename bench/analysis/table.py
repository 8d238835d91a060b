"""The tables, as heads and cells that every format can write."""

from dataclasses import dataclass, replace
from typing import Any

from bench.analysis import narrative, summary, verdicts
from bench.analysis.records import Records, parameters
from bench.analysis.summary import MAIN, Row, Summary
from bench.analysis.verdicts import Pair
from bench.evaluation.declarations import ALT, measure

FLOOR = "real images (floor)"
OVER_FLOOR = "FID/floor"
CHOSEN = "best FID (held-out) ↓"
_SD = "_sd"
_HELDOUT = 10_000
"""So many images are held out; a floor at more samples cannot be measured."""
_CALIBRATION = (
    "± is the standard deviation over the draws; where there is none, it is one set of images."
)
_COSTS = {
    "images": "real images",
    "d_steps": "D-steps",
    "g_steps": "G-steps",
    "seconds": "training [s]",
    "eval_seconds": "measuring [s]",
    "peak_mem_mb": "peak memory [MB]",
}
_COST = "Means over the finished seeds. Training excludes measuring; trials ran side by side."
_LETTERS = "Group: variants that share a letter are not distinguishable by FID"
_PAIR_HEADS = ("n", "test", "p", "p (Holm)", "P(A better)", "A against B", "seeds needed")
_TESTS = {"welch": "Welch", "mann-whitney": "Mann-Whitney", None: "–"}
_BOLD = "Bold: better than every other variant (Holm's p ≤ 0.05), each measure on its own."


@dataclass(frozen=True)
class Cell:
    """One cell: its text, whether a verdict makes it bold, the row whose trials it is of."""

    text: str
    bold: bool = False
    row: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Grid:
    """One table: its name, its caption, column heads, rows of cells, notes below it."""

    name: str
    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def main(records: Records) -> Grid:
    """Variants × main measures, then the floor; bold is better than every other row."""
    table = summary.rows(records)
    judged = {name: verdicts.pairs(table, name) for name in MAIN}
    letters = verdicts.groups(table, judged["fid"]) if len(table) > 1 else {}
    heads = (
        *("variant", "n", "failures", measure("fid").head),
        *([OVER_FLOOR] if records.floor.get("fid") else []),
        *(["group"] if letters else []),
        *(measure(name).head for name in MAIN[1:4]),
        *("missing", *(measure(name).head for name in MAIN[4:])),
        *(CHOSEN, measure("images_per_s").head),
    )
    best = {name: verdicts.winner(table, found) for name, found in judged.items()}
    columns = [_variant(row, records.floor, best, letters) for row in table]
    columns += [_floor(records)] if records.floor else []
    notes = [_about(records), *_failures(table), *summary.gaps(table), *records.notes]
    notes += [_letters_note(judged["fid"])] if letters else []
    notes += [_BOLD] if any(best.values()) else []
    cells = tuple(tuple(row.get(head, Cell("–")) for head in heads) for row in columns)
    return Grid("main", _caption(records), heads, cells, tuple(notes))


def _letters_note(found: list[Pair]) -> str:
    few = any(pair.verdict == "too few seeds" for pair in found)
    return f"{_LETTERS}{', or have too few seeds' if few else ''}."


def others(records: Records) -> Grid | None:
    """The measures beside the main ones; None when the records hold none."""
    names = [name for name in summary.other_measures(records) if not name.endswith(ALT)]
    return _measures(records, "others", "Other measures of the same trials", names)


def second_extractor(records: Records) -> Grid | None:
    """The measures by the second classifier; None when the records hold none."""
    names = [name for name in summary.other_measures(records) if name.endswith(ALT)]
    caption = "The same trials by a second, independently trained classifier"
    grid = _measures(records, "second-extractor", caption, names)
    return grid and replace(grid, notes=(*grid.notes, *narrative.orders(summary.rows(records))))


def _measures(records: Records, name: str, caption: str, names: list[str]) -> Grid | None:
    if not names:
        return None
    table = summary.rows(records)
    best = {name: verdicts.winner(table, verdicts.pairs(table, name)) for name in names}
    heads = ("variant", *(measure(one).head for one in names))
    rows = [(_name(row), *(_value(row, one, best) for one in names)) for row in table]
    floor = (Cell(FLOOR), *(_plain(records.floor.get(name)) for name in names))
    if any(name in records.floor for name in names):
        rows.append(floor)
    return Grid(name, caption, heads, tuple(rows), (_BOLD,) if any(best.values()) else ())


def pairs(records: Records, name: str = "fid") -> Grid | None:
    """Every pair of variants with its verdict; None for a single variant."""
    found = verdicts.pairs(summary.rows(records), name)
    if not found:
        return None
    label = measure(name).label
    scale = f"{label} A/B" if found[0].ratio else f"{label} A − B"
    heads = ("A", "B", f"{scale} ({narrative.level_text(found[0])})", *_PAIR_HEADS)
    rows = tuple(_pair(pair) for pair in found)
    caption = f"Which differences in {label} are real"
    return Grid("pairs", caption, heads, rows, (narrative.how(found),))


def calibration(records: Records) -> Grid | None:
    """What the same code says of images whose quality is known; None when nothing was recorded.

    A line for each measure, because there are more of them than of sets of images.
    """
    if not records.calibration:
        return None
    recorded = {name for row in records.calibration for name in row if "/" not in name} - {"n"}
    names = [name for name in (*MAIN[:4], "missing", *MAIN[4:]) if name in recorded]
    names += sorted(n for n in recorded - {*names, "row"} if not n.endswith(ALT))
    names = [name for name in names if not name.endswith(_SD)]
    heads = ("measure", *(str(row["row"]) for row in records.calibration))
    rows = [
        (Cell(measure(name).head), *(_known(row, name) for row in records.calibration))
        for name in names
    ]
    n = records.calibration[0].get("n", 10_000)  # which older records do not name
    caption = f"What each measure sees: images of known quality, n = {n:,}"
    return Grid("calibration", caption, heads, tuple(rows), (_CALIBRATION,))


def _known(row: dict[str, Any], name: str) -> Cell:
    """A number, with its sd where it is the mean of several draws."""
    if f"{name}{_SD}" not in row:
        return _plain(row.get(name))
    draws = f"{summary.trimmed(row[name])} ± {summary.trimmed(row[f'{name}{_SD}'])}"
    return Cell(draws, value=float(row[name]))


def costs(records: Records) -> Grid | None:
    """What a trial took: steps of both networks, time, memory; None where none was recorded."""
    table = summary.rows(records)
    lines = [
        (_name(row), *(_cost(row, name) for name in _COSTS))
        for row in table
        if row.summary("cost/seconds").points
    ]
    heads = ("variant", *_COSTS.values())
    return Grid("costs", "What a trial took", heads, tuple(lines), (_COST,)) if lines else None


def _cost(row: Row, name: str) -> Cell:
    spent = row.summary(f"cost/{name}")
    return Cell(_whole(spent), row=row.name, value=spent.mean)


def protocol(records: Records) -> list[tuple[str, str]]:
    """The parameters that every trial shares."""
    first, *rest = parameters(records.trials)
    return [
        (name, value)
        for name, value in sorted(first.items())
        if name not in ("variant", "seed") and all(other.get(name) == value for other in rest)
    ]


def _caption(records: Records) -> str:
    seeds = records.trials["seed"].nunique()
    budget = _thousands(records.parameter("budget"))
    named = [
        f"{word} {value}"
        for word, key in (("on", "dataset_name"), ("in", "precision"), ("on", "device"))
        if (value := records.parameter(key, ""))
    ]
    conditions = f"trained {' '.join(named)}, " if named else ""
    samples = _thousands(records.parameter("samples"))
    return (
        f"{records.experiment}: {seeds} {'seed' if seeds == 1 else 'seeds'}, {budget} real images "
        f"shown to the discriminator, {conditions}measured by {records.evaluator} on n = {samples} "
        f"against the {records.split} split"
    )


def _about(records: Records) -> str:
    samples = _thousands(records.parameter("samples"))
    return (
        f"Measured by {records.measure or records.evaluator} (evaluator, feature layer, n, split): "
        f"n = {samples} generated images a trial, against the {records.split} split. "
        "± is the sample standard deviation over seeds, the column n the seeds that finished. "
        f"{_about_floor(records)} The best FID is that of the "
        "checkpoint chosen on held-out training images; every other figure is of the last one."
    )


def _about_floor(records: Records) -> str:
    if records.floor:
        return "FID/floor is the mean relative to that of real images, by this classifier."
    samples = records.parameter("samples", "")
    if samples.isdigit() and int(samples) > _HELDOUT:
        return f"There is no floor: there are only {_HELDOUT:,} held-out images."
    return "There is no floor: none was recorded at this n."


def _thousands(count: str) -> str:
    return f"{int(count):,}" if count.isdigit() else count


def _failures(table: list[Row]) -> list[str]:
    return [
        f"{row.name} seed {seed} diverged{f' ({reason})' if reason else ''}: "
        "counted under failures and ranked worst in every comparison; no mean can hold it."
        for row in table
        for seed, reason in row.diverged.set_index("seed")["trial/reason"].items()
    ]


def _variant(
    row: Row, floor: dict[str, float], best: dict[str, str | None], letters: dict[str, str]
) -> dict[str, Cell]:
    """Every column's head to the row's cell."""
    chosen, speed = row.summary("best/fid"), row.summary("cost/images_per_s")
    done, diverged = len(row.done), len(row.diverged)
    return {
        "variant": _name(row),
        "n": Cell(str(done), row=row.name, value=done),
        "failures": Cell(str(diverged), row=row.name * bool(diverged), value=diverged),
        OVER_FLOOR: _ratio(row.final("fid").mean, floor.get("fid"), row),
        "group": Cell(letters.get(row.name, "–"), row=row.name),
        "missing": Cell(row.missing(), row=row.name),
        CHOSEN: Cell(chosen.text(), row=row.name, value=chosen.mean),
        measure("images_per_s").head: Cell(_whole(speed), row=row.name, value=speed.mean),
        **{measure(name).head: _value(row, name, best) for name in MAIN},
    }


def _floor(records: Records) -> dict[str, Cell]:
    """The heads that real images have a cell for."""
    known = {measure(name).head: _plain(records.floor.get(name)) for name in MAIN}
    known |= {"variant": Cell(FLOOR), OVER_FLOOR: Cell("1", value=1.0)}
    if records.floor.get("modes") == 10:
        known["missing"] = Cell("none")
    return known


def _pair(pair: Pair) -> tuple[Cell, ...]:
    diverged = f" ({pair.diverged} diverged)" if pair.diverged else ""
    return (
        Cell(pair.a, pair.verdict == "better", pair.a),
        Cell(pair.b, pair.verdict == "worse", pair.b),
        Cell(narrative.effect_text(pair), value=pair.effect),
        Cell(f"{pair.n_a}, {pair.n_b}{diverged}", value=pair.n_a + pair.n_b),
        Cell(_TESTS[pair.test]),
        Cell(narrative.p_text(pair.p), value=pair.p),
        Cell(narrative.p_text(pair.p_holm), value=pair.p_holm),
        Cell(f"{pair.probability:.2f}", value=pair.probability),
        Cell(pair.verdict, bold=pair.significant),
        Cell(narrative.needed_text(pair), value=pair.needed),
    )


def _name(row: Row) -> Cell:
    return Cell(row.name, row=row.name)


def _value(row: Row, name: str, best: dict[str, str | None]) -> Cell:
    value = row.final(name)
    return Cell(value.text(), best.get(name) == row.name, row.name, value.mean)


def _plain(value: Any) -> Cell:
    if isinstance(value, str):
        return Cell(value)
    return Cell("–") if value is None else Cell(summary.trimmed(float(value)), value=float(value))


def _ratio(mean: float | None, floor: float | None, row: Row) -> Cell:
    if mean is None or not floor:
        return Cell("–")
    return Cell(summary.times(mean / floor), row=row.name, value=mean / floor)


def _whole(value: Summary) -> str:
    return "–" if value.mean is None else f"{value.mean:,.0f}"
