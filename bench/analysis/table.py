"""The tables of results: the main one, its short form for a terminal, other measures, the pairs."""

from dataclasses import replace

from bench.analysis import narrative, summary, verdicts
from bench.analysis.formats import Cell, Grid
from bench.analysis.records import Records
from bench.analysis.summary import MAIN, Row, Summary
from bench.analysis.verdicts import Pair
from bench.evaluation.declarations import ALT, measure

FLOOR = "real data (floor)"
CHOSEN = "best FID (held-out) ↓"
_OVER_FLOOR = "FID/floor"
_SPEED = measure("images_per_s").head
_KL = measure("mode_kl").head
_LETTERS = "Group: variants that share a letter are not distinguishable by FID"
_BOLD = "Bold: better than every other variant (Holm's p ≤ 0.05), each measure on its own."
_SPREAD = "± is the sample standard deviation over seeds."
_PAIR_HEADS = (
    "n",
    "test",
    "p",
    "p (Holm)",
    "probability of improvement",
    "A against B",
    "seeds needed",
)
_TESTS = {"welch": "Welch", "mann-whitney": "Mann-Whitney", None: "–"}
_SHORT = {measure("modes").head: "modes ↑", _KL: "mode KL ↓", _SPEED: "images/s"}
"""Heads that a terminal has no room for."""
_NARROW = (
    *("variant", "n", "failures", measure("fid").head, _OVER_FLOOR, "group"),
    *(measure("modes").head, _KL, _SPEED),
)


def main(records: Records) -> Grid:
    """Variants × main measures, then the floor; bold is better than every other row."""
    table = summary.rows(records)
    judged = {name: verdicts.pairs(table, name) for name in MAIN}
    letters = verdicts.groups(table, judged["fid"]) if lettered(records) else {}
    compared = verdicts.pairs(table, "fid", records.control) if records.control else []
    best = {name: verdicts.winner(table, pairs) for name, pairs in judged.items()}
    heads = (
        *("variant", "n", "failures", measure("fid").head),
        *([_OVER_FLOOR] if records.floor.get("fid") else []),
        *(["group"] if letters else []),
        *([_against(records)] if compared else []),
        *(measure(name).head for name in MAIN[1:4]),
        *("missing", *(measure(name).head for name in MAIN[4:])),
        *(CHOSEN, _SPEED),
    )
    lines = [
        _variant(row, records.floor, best, letters)
        | {_against(records): _standing(row.name, compared)}
        for row in table
    ]
    lines += [_floor(records)] if records.floor else []
    cells = tuple(tuple(line.get(head, Cell("–")) for head in heads) for line in lines)
    notes = [_about(records), *_failures(table), *summary.gaps(table), *records.notes]
    notes += [_letters_note(judged["fid"])] * bool(letters) + [_BOLD] * any(best.values())
    return Grid("main", _caption(records), heads, cells, tuple(notes))


def narrow(records: Records) -> Grid:
    """At most nine columns of the main table, for a terminal.

    Failures, floor and groups only where there are any.
    """
    whole, failed = main(records), (records.trials["status"] == "diverged").any()
    columns = {*_NARROW, _against(records)}
    columns -= {_OVER_FLOOR, _SPEED} if records.control else set()
    kept = [head for head in whole.heads if head in columns and (failed or head != "failures")]
    lines = [dict(zip(whole.heads, row, strict=True)) for row in whole.rows]
    rows = tuple(tuple(_narrow(head, line[head]) for head in kept) for line in lines)
    heads = tuple(_SHORT.get(head, head) for head in kept)
    groups = [note for note in whole.notes if note.startswith("Group:")]
    notes = (_SPREAD, *groups, *summary.gaps(summary.rows(records)), *records.notes)
    return Grid("narrow", records.experiment, heads, rows, notes)


def others(records: Records) -> Grid | None:
    """The measures next to the main ones; None when the records hold none."""
    names = [name for name in summary.other_measures(records) if not name.endswith(ALT)]
    return _measures(records, "others", "Other measures of the same trials", names)


def second_extractor(records: Records) -> Grid | None:
    """The measures by the second classifier; None when the records hold none."""
    names = [name for name in summary.other_measures(records) if name.endswith(ALT)]
    caption = "The same trials by a second, independently trained classifier"
    grid = _measures(records, "second-extractor", caption, names)
    return grid and replace(grid, notes=(*grid.notes, *narrative.orders(summary.rows(records))))


def pairs(records: Records, name: str = "fid", against: str = "") -> Grid | None:
    """Every pair of variants, or those with a control, with its verdict; None where there is none.

    Args:
        against: the control.
    """
    judged = verdicts.pairs(summary.rows(records), name, against)
    if not judged:
        return None
    label = measure(name).label
    scale = f"{label} A/B" if judged[0].ratio else f"{label} A − B"
    heads = ("A", "B", f"{scale} ({narrative.level_text(judged[0])})", *_PAIR_HEADS)
    caption = f"Which differences in {label} are real"
    if against:
        caption = f"Which variants differ in {label} from the control {against}"
    notes, rows = (narrative.how(judged, against),), tuple(map(_pair, judged))
    return Grid("control" if against else "pairs", caption, heads, rows, notes)


def control(records: Records) -> Grid | None:
    """Every other variant against the control; None without one."""
    return pairs(records, against=records.control) if records.control else None


def named(row: Row) -> Cell:
    return Cell(row.name, row=row.name)


def counted(row: Row, count: int) -> Cell:
    return Cell(str(count), row=row.name, value=count)


def summed(row: Row, value: Summary, bold: bool = False) -> Cell:
    return Cell(value.text(), bold, row.name, value.mean)


def whole(row: Row, value: Summary) -> Cell:
    """The mean without decimals."""
    text = "–" if value.mean is None else f"{value.mean:,.0f}"
    return Cell(text, row=row.name, value=value.mean)


def plain(value: float | str | None) -> Cell:
    """A single number, or the text that stands for one."""
    if value is None or isinstance(value, str):
        return Cell(value or "–")
    return Cell(summary.trimmed(float(value)), value=float(value))


def lettered(records: Records) -> bool:
    """Letters group the variants of an experiment without a control, which asks for every pair."""
    return len(records.rows) > 1 and not records.control


def _against(records: Records) -> str:
    return f"against {records.control}"


def _standing(name: str, compared: list[Pair]) -> Cell:
    """``better (× 0.72)``: the verdict, and the ratio or difference to the control."""
    for pair in compared:
        if pair.a == name and pair.effect is not None:
            size = f"× {pair.effect:.2g}" if pair.ratio else f"{pair.effect:+.2g}"
            return Cell(f"{pair.verdict} ({size})", pair.significant, name, pair.effect)
    return Cell("control" if any(pair.b == name for pair in compared) else "–")


def _measures(records: Records, name: str, caption: str, names: list[str]) -> Grid | None:
    if not names:
        return None
    table = summary.rows(records)
    best = {name: verdicts.winner(table, verdicts.pairs(table, name)) for name in names}
    rows = [
        (named(row), *(summed(row, row.final(name), best[name] == row.name) for name in names))
        for row in table
    ]
    if any(name in records.floor for name in names):
        rows.append((Cell(FLOOR), *(plain(records.floor.get(name)) for name in names)))
    heads = ("variant", *(measure(name).head for name in names))
    return Grid(name, caption, heads, tuple(rows), (_BOLD,) if any(best.values()) else ())


def _narrow(head: str, cell: Cell) -> Cell:
    if head == _KL and cell.value is not None:
        return replace(cell, text=summary.trimmed(cell.value))
    return replace(cell, text="real data") if cell.text == FLOOR else cell


def _letters_note(judged: list[Pair]) -> str:
    few = any(pair.verdict == "too few seeds" for pair in judged)
    return f"{_LETTERS}{', or have too few seeds' if few else ''}."


def _caption(records: Records) -> str:
    seeds = records.trials["seed"].nunique()
    budget, samples = (_thousands(records.parameter(name)) for name in ("budget", "samples"))
    conditions = [
        f"{word} {value}"
        for word, key in (("on", "dataset_name"), ("in", "precision"), ("on", "device"))
        if (value := records.parameter(key, ""))
    ]
    trained = f"trained {' '.join(conditions)}, " if conditions else ""
    return (
        f"{records.experiment}: {seeds} {'seed' if seeds == 1 else 'seeds'}, {budget} real samples "
        f"shown to the discriminator, {trained}measured by {records.evaluator} on n = {samples} "
        f"against the {records.split} split"
    )


def _about(records: Records) -> str:
    samples = _thousands(records.parameter("samples"))
    floor = "FID/floor is the mean FID divided by that of real data, by this evaluator."
    if not records.floor:
        floor = (
            f"There is no floor: none was recorded at n = {samples}. A floor needs as many "
            "held-out images as there are samples."
        )
    return (
        f"Measured by {records.measure or records.evaluator} (evaluator, feature layer, n, split): "
        f"n = {samples} generated samples a trial, against the {records.split} split. "
        f"{_SPREAD} The column n counts the seeds that finished. {floor} "
        "The best FID is that of the checkpoint that was chosen on held-out training images. "
        "Every other number is of the last checkpoint."
    )


def _thousands(count: str) -> str:
    return f"{int(count):,}" if count.isdigit() else count


def _failures(table: list[Row]) -> list[str]:
    return [
        f"{row.name} seed {seed} diverged{f' ({reason})' if reason else ''}. "
        "It counts as a failure and ranks worst in every test. No mean includes it."
        for row in table
        for seed, reason in row.diverged.set_index("seed")["trial/reason"].items()
    ]


def _variant(
    row: Row, floor: dict[str, float], best: dict[str, str | None], letters: dict[str, str]
) -> dict[str, Cell]:
    """Every column's head to the row's cell."""
    diverged = counted(row, len(row.diverged))
    return {
        "variant": named(row),
        "n": counted(row, len(row.done)),
        "failures": diverged if diverged.value else replace(diverged, row=""),
        _OVER_FLOOR: _ratio(row, floor.get("fid")),
        "group": Cell(letters.get(row.name, "–"), row=row.name),
        "missing": Cell(row.missing(), row=row.name),
        CHOSEN: summed(row, row.summary("best/fid")),
        _SPEED: whole(row, row.summary("cost/images_per_s")),
        **{measure(m).head: summed(row, row.final(m), best[m] == row.name) for m in MAIN},
    }


def _ratio(row: Row, floor: float | None) -> Cell:
    mean = row.final("fid").mean
    if mean is None or not floor:
        return Cell("–")
    return Cell(summary.times(mean / floor), row=row.name, value=mean / floor)


def _floor(records: Records) -> dict[str, Cell]:
    """The heads that real data have a cell for."""
    known = {measure(name).head: plain(records.floor.get(name)) for name in MAIN}
    known |= {"variant": Cell(FLOOR), _OVER_FLOOR: Cell("1", value=1.0)}
    if records.floor.get("modes") == len(summary.classes(records)):
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
