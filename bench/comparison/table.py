"""The tables, as heads and cells that every format can write."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.comparison import summary
from bench.comparison.measures import measure
from bench.comparison.records import Records, Trial
from bench.comparison.summary import MAIN, Row, Summary


@dataclass(frozen=True)
class Cell:
    """One cell: its text, whether a verdict makes it bold, and the trials behind it."""

    text: str
    bold: bool = False
    trials: tuple[Trial, ...] = ()
    value: float | None = None


@dataclass(frozen=True)
class Grid:
    """One table: its name, its caption, column heads, rows of cells, notes below it."""

    name: str
    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def main(records: Records, best: str | None = None) -> Grid:
    """Variants × main measures, then the floor.

    Args:
        records: of one experiment.
        best: the row that a verdict puts above every other; its FID is bold.
    """
    table = summary.rows(records)
    heads = ("variant", "n", "failures", measure("fid").head, "FID/floor")
    heads += tuple(measure(name).head for name in MAIN[1:4])
    heads += ("missing", *(measure(name).head for name in MAIN[4:]))
    heads += ("best FID (held-out) ↓", measure("images_per_s").head)
    cells = [_variant(row, records.floor, row.name == best) for row in table]
    notes = (_about(records), *_failures(table), *summary.gaps(table), *records.notes)
    floor = [_floor(records, len(heads))] if records.floor else []
    return Grid("main", _caption(records), heads, tuple(cells + floor), notes)


def others(records: Records) -> Grid | None:
    """The measures beside the main ones; None when the records hold none."""
    names = summary.other_measures(records)
    if not names:
        return None
    heads = ("variant", *(measure(name).head for name in names))
    rows = [(_name(row), *(_value(row.final(m), row) for m in names)) for row in summary.rows(records)]
    floor = (Cell("real images (floor)"), *(_plain(records.floor.get(name)) for name in names))
    has_floor = any(name in records.floor for name in names)
    return Grid("others", "Other measures", heads, (*rows, floor) if has_floor else tuple(rows))


def calibration(records: Records) -> Grid | None:
    """What the same code says of images whose quality is known; None when nothing was recorded."""
    if not records.calibration:
        return None
    recorded = {name for row in records.calibration for name in row} - {"row"}
    names = [name for name in MAIN if name in recorded] + sorted(recorded - set(MAIN))
    heads = ("images", *(measure(name).head for name in names))
    rows = [
        (Cell(str(row["row"])), *(_plain(row.get(name)) for name in names))
        for row in records.calibration
    ]
    return Grid("calibration", "What each measure sees: images of known quality", heads, tuple(rows))


def protocol(records: Records) -> list[tuple[str, str]]:
    """The parameters that every trial shares."""
    first, *rest = [trial.params for trial in records.trials]
    return [
        (name, value)
        for name, value in sorted(first.items())
        if name not in ("variant", "seed") and all(other.get(name) == value for other in rest)
    ]


def _caption(records: Records) -> str:
    seeds = sorted({trial.seed for trial in records.trials})
    budget = records.trials[0].params.get("budget", "?")
    count = f"{int(budget):,}" if budget.isdigit() else budget
    return f"{records.experiment}: {len(seeds)} seeds, {count} real images shown to the discriminator"


def _about(records: Records) -> str:
    samples = records.trials[0].params.get("samples", "?")
    count = f"{int(samples):,}" if samples.isdigit() else samples
    return (
        f"Ruler {records.ruler} ({records.measure}); {count} generated images a trial, against the "
        "test split. ± is the sample standard deviation over seeds, n the seeds that finished. "
        "FID/floor divides the mean by what real images get. The best FID is that of the "
        "checkpoint chosen on held-out training images; every other figure is of the last one."
    )


def _failures(table: list[Row]) -> list[str]:
    return [
        f"{row.name} seed {trial.seed} diverged{f' ({trial.reason})' if trial.reason else ''}: it "
        "is left out of the means and ranked worst in every comparison."
        for row in table
        for trial in row.diverged
    ]


def _variant(row: Row, floor: dict[str, float], bold: bool) -> tuple[Cell, ...]:
    fid = row.final("fid")
    main_cells = {name: _value(row.final(name), row) for name in MAIN}
    best, speed = row.best("fid"), row.cost("images_per_s")
    return (
        _name(row),
        Cell(str(len(row.done)), trials=tuple(row.done), value=len(row.done)),
        Cell(str(len(row.diverged)), trials=tuple(row.diverged), value=len(row.diverged)),
        Cell(fid.text(), bold, tuple(row.done), fid.mean),
        _ratio(fid.mean, floor.get("fid"), row),
        *(main_cells[name] for name in MAIN[1:4]),
        Cell(row.missing(), trials=tuple(row.done)),
        *(main_cells[name] for name in MAIN[4:]),
        _value(best, row),
        Cell(_whole(speed), trials=tuple(row.done), value=speed.mean),
    )


def _floor(records: Records, width: int) -> tuple[Cell, ...]:
    floor = records.floor
    middle: Callable[[str], Any] = lambda name: _plain(floor.get(name))  # noqa: E731
    cells = (Cell("real images (floor)"), Cell("–"), Cell("–"), middle("fid"), Cell("1"))
    cells += tuple(middle(name) for name in MAIN[1:4])
    cells += (Cell("none"), *(middle(name) for name in MAIN[4:]))
    return cells + (Cell("–"),) * (width - len(cells))


def _name(row: Row) -> Cell:
    return Cell(row.name, trials=row.trials)


def _value(value: Summary, row: Row) -> Cell:
    return Cell(value.text(), trials=tuple(row.done), value=value.mean)


def _plain(value: Any) -> Cell:
    return Cell("–") if value is None else Cell(summary.trimmed(float(value)), value=float(value))


def _ratio(mean: float | None, floor: float | None, row: Row) -> Cell:
    if mean is None or not floor:
        return Cell("–")
    return Cell(f"{mean / floor:.1f}", trials=tuple(row.done), value=mean / floor)


def _whole(value: Summary) -> str:
    return "–" if value.mean is None else f"{value.mean:,.0f}"
