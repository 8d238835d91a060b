"""What the choice of a checkpoint does to FID, and how much choosing on the reference flatters."""

from dataclasses import dataclass

import pandas as pd

from bench.analysis.learning_curves import fid_over_training
from bench.analysis.records import ROW, Records
from bench.analysis.summary import Row, Summary, rows
from bench.analysis.table import Cell, Grid

_HEADS = (
    "variant", "n", "last FID ↓", "chosen on held-out ↓", "chosen on the reference ↓",
    "selection bias",
)  # fmt: skip
_NOTE = (
    "Chosen on held-out: the checkpoint with the lowest FID against images held out of training. "
    "Chosen on the reference: the one with the lowest FID against the very images it is reported "
    "on, which flatters; selection bias is the difference of the two within each trial. ± is the "
    "sample standard deviation over seeds."
)


@dataclass(frozen=True)
class Choice:
    """One row's FID at the last checkpoint and at two chosen ones, over the same trials.

    Attributes:
        heldout: of the checkpoint that was best on held-out training images.
        reference: of the one that was best on the very images it is reported on.
        selection_bias: ``heldout`` − ``reference`` of each trial.
    """

    row: Row
    last: Summary
    heldout: Summary
    reference: Summary
    selection_bias: Summary


def choices(records: Records, curves: pd.DataFrame) -> list[Choice]:
    """Every row of which some trial has all three, in the table's order."""
    trials = records.trials.reindex(
        columns=list({*records.trials.columns, "final/fid", "best/fid"})
    )
    lowest = fid_over_training(curves)["fid"].groupby("run_id").min()
    trials = trials.assign(lowest=lowest, bias=trials["best/fid"] - lowest)
    whole = trials.dropna(subset=["final/fid", "best/fid", "lowest"])
    columns = ("final/fid", "best/fid", "lowest", "bias")
    return [
        Choice(row, *(Summary.of(mine, column) for column in columns))
        for row in rows(records)
        if len(mine := whole[whole[ROW] == row.name])
    ]


def checkpoints(records: Records, curves: pd.DataFrame) -> Grid | None:
    """Last, chosen on held-out, chosen on the reference; None when no trial has all three."""
    lines = [_line(choice) for choice in choices(records, curves)]
    caption = "Which checkpoint is reported"
    return Grid("checkpoints", caption, _HEADS, tuple(lines), (_NOTE,)) if lines else None


def _line(choice: Choice) -> tuple[Cell, ...]:
    name, columns = choice.row.name, (choice.last, choice.heldout, choice.reference)
    return (
        Cell(name, row=name),
        Cell(str(choice.last.n), row=name, value=choice.last.n),
        *(Cell(c.text(), row=name, value=c.mean) for c in (*columns, choice.selection_bias)),
    )
