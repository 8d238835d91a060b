"""What the choice of a checkpoint does to FID, and how much choosing on the reference flatters."""

from dataclasses import dataclass

from bench.analysis.learning_curves import LearningCurve
from bench.analysis.records import Records, Trial
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
    trials: tuple[Trial, ...]
    last: Summary
    heldout: Summary
    reference: Summary
    selection_bias: Summary


def choices(records: Records, curves: list[LearningCurve]) -> list[Choice]:
    """Every row of which some trial has all three, in the table's order."""
    lowest = {curve.trial.run_id: float(curve.fid.min()) for curve in curves}
    found = []
    for row in rows(records):
        trials = [t for t in row.done if {"fid"} <= t.best.keys() & t.final.keys()]
        trials = [t for t in trials if t.run_id in lowest]
        columns = [
            Summary(tuple((t.seed, t.final["fid"]) for t in trials)),
            Summary(tuple((t.seed, t.best["fid"]) for t in trials)),
            Summary(tuple((t.seed, lowest[t.run_id]) for t in trials)),
            Summary(tuple((t.seed, t.best["fid"] - lowest[t.run_id]) for t in trials)),
        ]
        found += [Choice(row, tuple(trials), *columns)] if trials else []
    return found


def checkpoints(records: Records, curves: list[LearningCurve]) -> Grid | None:
    """Last, chosen on held-out, chosen on the reference; None when no trial has all three."""
    lines = [_line(choice) for choice in choices(records, curves)]
    caption = "Which checkpoint is reported"
    return Grid("checkpoints", caption, _HEADS, tuple(lines), (_NOTE,)) if lines else None


def _line(choice: Choice) -> tuple[Cell, ...]:
    columns = choice.last, choice.heldout, choice.reference, choice.selection_bias
    return (
        Cell(choice.row.name, trials=choice.row.trials),
        Cell(str(len(choice.trials)), trials=choice.trials, value=len(choice.trials)),
        *(Cell(one.text(), trials=choice.trials, value=one.mean) for one in columns),
    )
