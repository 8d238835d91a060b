"""The tables of a search: what was chosen, how well it does on fresh seeds, which fields matter."""

import math
from typing import Any

import pandas as pd

from bench.analysis import search
from bench.analysis.formats import Cell, Grid
from bench.analysis.records import ROW, SEARCHED, Records
from bench.analysis.summary import Summary
from bench.analysis.table import plain
from bench.trials.search import CHOSEN_BY

_SAME_IMAGES = 0.02
"""Share of the images by which two points of training may differ and count as the same."""
_HEADS = (
    "variant", "settings", "diverged", "collapsed", "chosen", "defaults: held-out FID",
    "chosen: held-out FID", "chosen, fresh seeds", "fresh/search",
)  # fmt: skip
_NOTE = (
    "The search chooses the setting with the lowest FID to held-out images. Its own value is too "
    "good, because it was chosen for it. Fresh seeds is the held-out FID of the same setting on "
    "seeds that the search did not use, after as many images; ± is the sample standard deviation "
    f"over seeds. Collapsed: fewer than {search.COLLAPSED} modes at the end. Setting 0 has the "
    "variant's defaults."
)
_LACKING = (
    "A dash under fresh seeds: the final phase has no measurement at the search's number of images."
)
_FIELDS = (
    "Spearman's rank correlation of the field with the held-out FID, over the settings that were "
    "drawn: above 0 a larger value is worse. A setting that diverged ranks worst. The interval is "
    "Bonett and Wright's (2000). All variants: ranks within each variant. The intervals are not "
    "corrected for their number. A variant that drew fewer than four settings is left out."
)


def settings(records: Records, curves: pd.DataFrame) -> Grid | None:
    """A row a variant: what the search chose, and its value there and on fresh seeds."""
    lines = rows(records, curves)
    if not lines:
        return None
    notes = [_NOTE] + [_LACKING] * any(line["fresh"].mean is None for line in lines)
    cells = tuple(map(_line, lines))
    return Grid("search", "What the search chose", _HEADS, cells, tuple(notes))


def rows(records: Records, curves: pd.DataFrame) -> list[dict[str, Any]]:
    """The numbers of `settings`, by variant."""
    lines = []
    for row, own in search.by_row(records.search):
        number = search.chosen(own)
        best = own.loc[number]
        changes = {name: best[name] for name in search.fields(own) if pd.notna(best[name])}
        lines.append(
            {
                "variant": row,
                "settings": len(own),
                "diverged": int(own["diverged"].sum()),
                "collapsed": int(own["collapsed"].sum()),
                "chosen": number,
                "changes": changes if number else {},
                "defaults": float(own["value"].get(0, float("nan"))),
                "value": float(best["value"]),
                "fresh": _fresh(records, curves, row, number, int(best["budget"])),
            }
        )
    return lines


def json_rows(records: Records, curves: pd.DataFrame) -> list[dict[str, Any]]:
    """`rows` for a JSON file, where a setting that diverged has no value."""
    return [
        {
            **line,
            **{n: line[n] if math.isfinite(line[n]) else None for n in ("defaults", "value")},
            "fresh": [{"seed": seed, "value": value} for seed, value in line["fresh"].points],
        }
        for line in rows(records, curves)
    ]


def influence(records: Records) -> Grid | None:
    """A row a field and variant: how much FID moves with it."""
    lines = tuple(
        (
            Cell(line.searched or "all variants"),
            Cell(line.field),
            Cell(str(line.n), value=line.n),
            Cell(f"{line.correlation:.2f}", value=line.correlation),
            Cell(f"{line.low:.2f} to {line.high:.2f}"),
        )
        for line in search.influence(records.search).itertuples()
    )
    heads = ("variant", "field", "settings", "rank correlation with FID", "95 % interval")
    return Grid("fields", "Which settings matter", heads, lines, (_FIELDS,)) if lines else None


def _fresh(records: Records, curves: pd.DataFrame, row: str, setting: int, budget: int) -> Summary:
    """Held-out FID of a setting's trials in the final phase, after as many images as the search."""
    of_row = records.trials[records.trials[SEARCHED] == row]
    tuned = of_row[(of_row[ROW] != row) == bool(setting)]
    points = curves[
        (curves["metric"] == CHOSEN_BY.partition("/")[2]) & curves.index.isin(tuned.index)
    ]
    near = points[(points["images"] / budget - 1).abs() <= _SAME_IMAGES]
    return Summary.of(near.rename(columns={"value": "fresh"}), "fresh")


def _line(line: dict[str, Any]) -> tuple[Cell, ...]:
    changes = ", ".join(f"{name}={_short(value)}" for name, value in line["changes"].items())
    fresh: Summary = line["fresh"]
    ratio = fresh.mean / line["value"] if fresh.mean is not None and line["value"] else None
    return (
        Cell(line["variant"]),
        *(
            Cell(str(line[name]), value=line[name])
            for name in ("settings", "diverged", "collapsed")
        ),
        Cell(f"{line['chosen']}: {changes}" if line["chosen"] else "0: the defaults"),
        _value(line["defaults"]),
        _value(line["value"]),
        Cell(fresh.text(), value=fresh.mean),
        Cell("–") if ratio is None else Cell(f"{ratio:.2f}", value=ratio),
    )


def _short(value: Any) -> str:
    """A whole number without a point: a column of numbers that some row lacks is one of floats."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _value(value: float) -> Cell:
    return Cell("diverged") if value == float("inf") else plain(None if pd.isna(value) else value)
