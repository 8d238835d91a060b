"""Which settings matter: the FID of every setting over each field that was drawn."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis import search
from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import Look, legend_below, looks, plain, styled
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples

_COLUMNS = 3
_WIDE = 30
"""Times that the largest value of a field is above the least, from which on its axis is in logs."""


@figure(
    title="Which settings matter",
    caption="The held-out FID of every setting over each field that was drawn, a mark a setting; "
    "filled marks are the defaults, crosses at the top diverged. ρ is Spearman's rank correlation "
    "of field and FID within the variants, with its 95 % interval: above 0 a larger value is "
    "worse.",
    place=2.6,
)
def search_fields(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """FID over each drawn field, a panel a field; None without a search."""
    settings = records.search
    fields = search.fields(settings)
    if not fields or not np.isfinite(settings["value"]).any():
        return None
    whole = search.influence(settings).query("searched == ''").set_index("field")
    look = looks([row for row, _ in search.by_row(settings)])
    columns = min(_COLUMNS, len(fields))
    lines = math.ceil(len(fields) / columns)
    with styled():
        drawing = Figure(figsize=(3.2 * columns + 0.6, 2.7 * lines + 0.6))
        panels = drawing.subplots(lines, columns, squeeze=False, sharey=True).flatten()
        for axes, field in zip(panels, fields, strict=False):
            _panel(axes, settings, field, look)
            axes.set(xlabel=field, title=_title(whole.loc[field] if field in whole.index else None))
        for axes in panels[len(fields) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("held-out FID ↓")
        legend_below(drawing, panels[0])
    return drawing


def _title(line: Any) -> str:
    if line is None:
        return ""
    return f"ρ = {line['correlation']:.2f} ({line['low']:.2f} to {line['high']:.2f})"


def _panel(axes: Axes, settings: pd.DataFrame, field: str, look: dict[str, Look]) -> None:
    """The variants that lack the field have an empty mark, so that each panel names them all."""
    values = settings["value"]
    top = 1.3 * float(values[np.isfinite(values)].max())
    drawn = settings[field].dropna()
    texts = sorted({str(value) for value in drawn if isinstance(value, str | bool)})
    for row, own in search.by_row(settings):
        own = own.dropna(subset=[field])
        x = own[field].map(lambda value: texts.index(str(value)) if texts else float(value))
        fine = np.isfinite(own["value"])
        style: dict[str, Any] = {"color": look[row].color, "ls": "", "ms": 4}
        axes.plot(x[fine], own["value"][fine], look[row].marker, mfc="white", label=row, **style)
        axes.plot(x[fine & (own.index == 0)], own["value"][fine & (own.index == 0)],
                  look[row].marker, **style)  # fmt: skip
        axes.plot(x[~fine], [top] * int((~fine).sum()), "x", **style)
    axes.set_yscale("log")
    plain(axes.yaxis)
    if texts:
        axes.set_xticks(range(len(texts)), texts)
    elif (numbers := drawn.astype(float)).min() > 0 and numbers.max() > _WIDE * numbers.min():
        axes.set_xscale("log")
