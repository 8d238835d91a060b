"""What stands behind a number: the checkpoint, seeds and samples, time, known sets of images."""

import math

import numpy as np
import pandas as pd

from bench.analysis import statistics
from bench.analysis.formats import Cell, Grid
from bench.analysis.frames import fid_over_training
from bench.analysis.records import ROW, Records
from bench.analysis.summary import MAIN, Row, Summary, between, rows, trimmed
from bench.analysis.table import counted, named, plain, summed, whole
from bench.evaluation.declarations import ALT, measure
from bench.evaluation.identity import SAMPLES

_SD = "_sd"
_CHECKPOINTS = {
    "last": "last FID ↓",
    "chosen on held-out": "chosen on held-out ↓",
    "chosen on the reference": "chosen on the reference ↓",
    "selection_bias": "selection bias",
}
_CHOSEN = (
    "Chosen on held-out: the checkpoint with the lowest FID against images held out of training. "
    "Chosen on the reference: the checkpoint with the lowest FID against the same images that it "
    "is reported on. This makes the number too good: the selection bias is the difference of the "
    "two within each trial. ± is the sample standard deviation over seeds."
)
_UNCERTAINTY_HEADS = (
    "variant", "n", "FID (geometric mean)", "95 % interval", "sd over training seeds",
    "sd over samples", "share of samples",
)  # fmt: skip
_UNCERTAINTY = (
    "The interval is Student's t-interval of the mean log FID over seeds, transformed back to FID. "
    "The sd over samples says how much the FID of one network changes between sets of as many "
    "samples. It is estimated by a jackknife over twenty groups and pooled over the seeds. The sd "
    "over training seeds contains it. The share is the part of the variance over seeds that more "
    "samples would remove; only more seeds reduce the rest. With few seeds both are rough, so that "
    "the share may be 100% or more."
)
_COSTS = {
    "images": "real samples",
    "d_steps": "D-steps",
    "g_steps": "G-steps",
    "seconds": "training [s]",
    "eval_seconds": "measuring [s]",
    "peak_mem_mb": "peak memory [MB]",
}
_COST = (
    "Means over the finished seeds. The training time excludes measuring. Several trials may have "
    "run at the same time."
)
_CALIBRATION = (
    "± is the standard deviation over several sets of images. A number without ± is of one set."
)


def choices(records: Records, curves: pd.DataFrame) -> list[tuple[Row, dict[str, Summary]]]:
    """Each row's FID at three checkpoints, and the selection bias, in the table's order.

    They are the last one, the one that was best on held-out training images, and the one that was
    best on the very images it is reported on; over the trials that have all three. The selection
    bias is the last two's difference within each trial.
    """
    final, best = (records.trials.reindex(columns=[f"{s}/fid"]) for s in ("final", "best"))
    lowest = fid_over_training(curves)["fid"].groupby("run_id").min()
    chosen = records.trials[[ROW, "seed"]].assign(
        **{
            "last": final["final/fid"],
            "chosen on held-out": best["best/fid"],
            "chosen on the reference": lowest,
            "selection_bias": best["best/fid"] - lowest,
        }
    )
    by_row = dict(list(chosen.dropna().groupby(ROW)))
    return [
        (row, {name: Summary.of(by_row[row.name], name) for name in _CHECKPOINTS})
        for row in rows(records)
        if row.name in by_row
    ]


def checkpoints(records: Records, curves: pd.DataFrame) -> Grid | None:
    """Last, chosen on held-out, chosen on the reference; None when no trial has all three."""
    lines = [
        (named(row), counted(row, chosen["last"].n), *(summed(row, v) for v in chosen.values()))
        for row, chosen in choices(records, curves)
    ]
    heads = ("variant", "n", *_CHECKPOINTS.values())
    return _grid("checkpoints", "Which checkpoint is reported", heads, lines, _CHOSEN)


def uncertainty(records: Records) -> Grid | None:
    """FID's spread over training seeds and over samples of one network, side by side.

    None where no noise was recorded.
    """
    lines = [_spreads(row) for row in rows(records) if row.summary("noise/fid").n]
    caption = "Where the uncertainty of an FID comes from"
    return _grid("uncertainty", caption, _UNCERTAINTY_HEADS, lines, _UNCERTAINTY)


def costs(records: Records) -> Grid | None:
    """What a trial took: steps of both networks, time, memory; None where none was recorded."""
    lines = [
        (named(row), *(whole(row, row.summary(f"cost/{name}")) for name in _COSTS))
        for row in rows(records)
        if row.summary("cost/seconds").n
    ]
    heads = ("variant", *_COSTS.values())
    return _grid("costs", "What a trial took", heads, lines, _COST)


def calibration(records: Records) -> Grid | None:
    """What the same code says of images whose quality is known; None when nothing was recorded.

    A line for each measure, because there are more of them than of sets of images.
    """
    sets = records.calibration
    recorded = {name for row in sets for name in row if "/" not in name} - {"n", "row"}
    names = [name for name in (*MAIN[:4], "missing", *MAIN[4:]) if name in recorded]
    names += sorted(name for name in recorded.difference(names) if not name.endswith((ALT, _SD)))
    lines = [(Cell(measure(name).head), *(_drawn(row, name) for row in sets)) for name in names]
    n = sets[0].get("n", SAMPLES) if sets else 0  # which older records do not name
    caption = f"What each measure sees: images of known quality, n = {n:,}"
    heads = ("measure", *(str(row["row"]) for row in sets))
    return _grid("calibration", caption, heads, lines, _CALIBRATION)


def _grid(
    name: str, caption: str, heads: tuple[str, ...], lines: list[tuple[Cell, ...]], note: str
) -> Grid | None:
    return Grid(name, caption, heads, tuple(lines), (note,)) if lines else None


def _spreads(row: Row) -> tuple[Cell, ...]:
    noise = row.summary("noise/fid")
    fid = Summary.of(row.done.dropna(subset=["noise/fid"]), "final/fid")
    middle = float(np.exp(np.log(fid.values).mean()))  # a generator's FID is above 0
    drawn = math.sqrt((noise.values**2).sum() / noise.n)
    share = drawn**2 / fid.sd**2 if fid.sd else None
    interval = between(*map(float, statistics.log_t_interval(fid.values))) if fid.n > 1 else "–"
    share_text = "–" if share is None else f"{share:.0%}" if share < 1 else "≥ 100%"
    return (
        named(row),
        counted(row, noise.n),
        Cell(trimmed(middle), row=row.name, value=middle),
        Cell(interval, row=row.name),
        Cell("–" if fid.sd is None else trimmed(fid.sd), row=row.name, value=fid.sd),
        Cell(trimmed(drawn), row=row.name, value=drawn),
        Cell(share_text, row=row.name, value=share),
    )


def _drawn(row: dict[str, float | str], name: str) -> Cell:
    """A number, with its sd where it is the mean of several draws."""
    number, sd = plain(row.get(name)), row.get(f"{name}{_SD}")
    if sd is None:
        return number
    return Cell(f"{number.text} ± {trimmed(float(sd))}", value=number.value)
