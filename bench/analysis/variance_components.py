"""What moves a number: training again from another seed, or other samples of one network."""

import math

import numpy as np

from bench.analysis import statistics
from bench.analysis.records import Records
from bench.analysis.summary import Row, Summary, decimals, rows, trimmed
from bench.analysis.table import Cell, Grid

_HEADS = (
    "variant", "n", "FID (geometric mean)", "95 % interval", "sd over training seeds",
    "sd over samples", "share of samples",
)  # fmt: skip
_NOTE = (
    "The interval is Student's t-interval of the mean log FID over seeds, mapped back. The sd over "
    "samples is that of one network measured on other sets of as many samples, estimated by a "
    "jackknife over twenty groups and pooled over the seeds; the sd over training seeds contains "
    "it. The share is the part of the variance over seeds that more samples would remove; training "
    "more seeds is what narrows the rest. With few seeds both are rough, and the share may exceed "
    "the whole (≥ 100%)."
)


def uncertainty(records: Records) -> Grid | None:
    """The two spreads of the headline metric side by side; None where no noise was recorded."""
    lines = [line for row in rows(records) if (line := _line(row)) is not None]
    caption = "Where the uncertainty of an FID comes from"
    return Grid("uncertainty", caption, _HEADS, tuple(lines), (_NOTE,)) if lines else None


def _line(row: Row) -> tuple[Cell, ...] | None:
    noise = row.summary("noise/fid")
    if not noise.n:
        return None
    fid = Summary.of(row.done.dropna(subset=["noise/fid"]), "final/fid")
    middle = float(np.exp(np.log(fid.values).mean()))  # a generator's FID is above 0
    drawn = math.sqrt(sum(sd**2 for sd in noise.values) / noise.n)
    share = drawn**2 / fid.sd**2 if fid.sd else None
    return (
        Cell(row.name, row=row.name),
        Cell(str(noise.n), row=row.name, value=noise.n),
        Cell(trimmed(middle), row=row.name, value=middle),
        Cell(_interval(fid), row=row.name),
        Cell("–" if fid.sd is None else trimmed(fid.sd), row=row.name, value=fid.sd),
        Cell(trimmed(drawn), row=row.name, value=drawn),
        Cell(_share(share), row=row.name, value=share),
    )


def _interval(fid: Summary) -> str:
    if fid.n < 2:
        return "–"
    low, high = (float(end) for end in statistics.log_t_interval(np.array(fid.values)))
    places = decimals(high - low) if high > low else 2
    return f"{low:.{places}f} to {high:.{places}f}"


def _share(share: float | None) -> str:
    if share is None:
        return "–"
    return f"{share:.0%}" if share < 1 else "≥ 100%"
