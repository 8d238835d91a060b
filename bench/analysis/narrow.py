"""The main table's most important columns, for a terminal; the whole table is in the files."""

from dataclasses import replace

from bench.analysis import summary, table
from bench.analysis.records import Records
from bench.analysis.table import Cell, Grid
from bench.evaluation.declarations import measure

_KL = measure("mode_kl").head
_HEADS = {
    measure("fid").head: measure("fid").head,
    measure("modes").head: "modes ↑",
    _KL: "mode KL ↓",
    measure("images_per_s").head: "images/s",
    **{head: head for head in ("variant", "n", "failures", table.OVER_FLOOR, "group")},
}
_SPREAD = "± is the sample standard deviation over seeds."


def narrow(records: Records) -> Grid:
    """Variants × at most nine columns; failures, floor and groups only where there are any."""
    whole, failed = table.main(records), (records.trials["status"] == "diverged").any()
    kept = [
        (place, head)
        for place, head in enumerate(whole.heads)
        if head in _HEADS and (failed or head != "failures")
    ]
    rows = tuple(tuple(_cell(head, row[place]) for place, head in kept) for row in whole.rows)
    groups = [note for note in whole.notes if note.startswith("Group:")]
    notes = (_SPREAD, *groups, *summary.gaps(summary.rows(records)), *records.notes)
    return Grid("narrow", records.experiment, tuple(_HEADS[head] for _, head in kept), rows, notes)


def _cell(head: str, cell: Cell) -> Cell:
    if head == _KL and cell.value is not None:
        return replace(cell, text=summary.trimmed(cell.value))
    return replace(cell, text="real images") if cell.text == table.FLOOR else cell
