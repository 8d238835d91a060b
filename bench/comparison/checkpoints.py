"""What the choice of a checkpoint does to FID, and how much choosing on the reference flatters."""

from bench.comparison.figures.curves import Course
from bench.comparison.records import Records
from bench.comparison.summary import Summary, rows
from bench.comparison.table import Cell, Grid

_HEADS = (
    "variant", "n", "last FID ↓", "chosen on held-out ↓", "chosen on the reference ↓", "optimism",
)  # fmt: skip
_NOTE = (
    "Chosen on held-out: the checkpoint with the lowest FID against images held out of training. "
    "Chosen on the reference: the one with the lowest FID against the very images it is reported "
    "on, which flatters; optimism is the difference of the two, seed by seed. ± is the sample "
    "standard deviation over seeds."
)


def checkpoints(records: Records, curves: list[Course]) -> Grid | None:
    """Last, chosen on held-out, chosen on the reference; None when no trial has all three."""
    lowest = {course.trial.run_id: float(course.fid.min()) for course in curves}
    lines = []
    for row in rows(records):
        trials = [t for t in row.done if {"fid"} <= t.best.keys() & t.final.keys()]
        trials = [t for t in trials if t.run_id in lowest]
        columns = [
            Summary(tuple((t.seed, t.final["fid"]) for t in trials)),
            Summary(tuple((t.seed, t.best["fid"]) for t in trials)),
            Summary(tuple((t.seed, lowest[t.run_id]) for t in trials)),
            Summary(tuple((t.seed, t.best["fid"] - lowest[t.run_id]) for t in trials)),
        ]
        cells = [Cell(one.text(), trials=tuple(trials), value=one.mean) for one in columns]
        if trials:
            lines.append((Cell(row.name, trials=row.trials), Cell(str(len(trials))), *cells))
    caption = "Which checkpoint is reported"
    return Grid("checkpoints", caption, _HEADS, tuple(lines), (_NOTE,)) if lines else None
