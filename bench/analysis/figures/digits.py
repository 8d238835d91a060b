"""Which classes the generators fail at: missed by whole seeds, drawn too seldom, hardly covered."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import styled
from bench.analysis.records import ROW, Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import classes, rows

_REAL = "real data"


@dataclass(frozen=True)
class _Panel:
    """Rows × classes: what stands in each cell, and its place (0 to 1) in a palette."""

    title: str
    texts: pd.DataFrame
    shade: pd.DataFrame
    palette: str


@figure(
    title="Failures by class",
    caption="Top: how many finished seeds draw a class less than a tenth as often as real data "
    "does. Below, if recorded, are means over the seeds: how often each class is drawn, and the "
    "share of its test images that have a sample of it nearby.",
    place=3,
)
def digits(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """A panel on missing classes, on shares and on coverage, as far as each was recorded."""
    every = [_missed(records), _shares(records), _covered(records)]
    panels = [panel for panel in every if not panel.texts.empty]
    if not panels:
        return None
    heights = [len(panel.texts) + 1.3 for panel in panels]
    with styled():
        drawing = Figure(figsize=(7, 0.6 + 0.34 * sum(heights)))
        axes = drawing.subplots(len(panels), height_ratios=heights, squeeze=False)[:, 0]
        for place, panel in zip(axes, panels, strict=True):
            _draw(place, panel)
        axes[-1].set_xlabel("class")
    return drawing


def missed(records: Records) -> pd.DataFrame:
    """Rows × classes: how many finished seeds miss each; no row that does not say."""
    tags = records.trials[records.trials["trial/missing"] != ""]
    counts = tags["trial/missing"].str.get_dummies(" ").groupby(tags[ROW]).sum()
    return _ordered(counts.reindex(columns=classes(records), fill_value=0), records)


def means(records: Records, measure: str) -> pd.DataFrame:
    """Rows × classes: the measure's mean, the real data last; no row that lacks a class."""
    names = {f"final/{measure}/{label}": label for label in classes(records)}
    values = records.trials.reindex(columns=list(names)).astype(float)
    table = _ordered(values.groupby(records.trials[ROW]).mean().dropna(), records)
    real = [records.floor.get(name.removeprefix("final/")) for name in names]
    if len(table) and None not in real:
        table.loc[_REAL] = real
    return table.rename(columns=names)


def _ordered(table: pd.DataFrame, records: Records) -> pd.DataFrame:
    return table.loc[[row.name for row in rows(records) if row.name in table.index]]


def _missed(records: Records) -> _Panel:
    counts, seeds = missed(records), {row.name: len(row.done) for row in rows(records)}
    title = "Seeds that miss a class (none is best)"
    texts = counts.astype(str).replace("0", "·").rename(lambda name: f"{name} (n = {seeds[name]})")
    return _Panel(title, texts, counts.div(pd.Series(seeds)[counts.index], axis="index"), "Blues")


def _shares(records: Records) -> _Panel:
    shares = means(records, "digit_share")
    real = shares.loc[_REAL] if _REAL in shares.index else 1 / max(1, len(shares.columns))
    title = "Share of the samples [%] (white: never, dark: too often)"
    # Half of the palette is as often as real, its end twice as often or more.
    return _Panel(title, (100 * shares).map("{:.1f}".format), shares / real / 2, "Purples")


def _covered(records: Records) -> _Panel:
    covered = means(records, "digit_coverage")
    title = "Coverage within the class (1 is best)"
    return _Panel(title, covered.map("{:.2f}".format), covered, "Greens")


def _draw(axes: Axes, panel: _Panel) -> None:
    shades, texts = panel.shade.to_numpy(float), panel.texts.to_numpy()
    image = axes.imshow(shades, cmap=panel.palette, vmin=0, vmax=1, aspect="auto")
    axes.grid(visible=False)
    axes.set(xticks=range(texts.shape[1]), xticklabels=panel.texts.columns)
    axes.set(yticks=range(texts.shape[0]), yticklabels=panel.texts.index)
    axes.set_title(panel.title)
    for (y, x), shade in np.ndenumerate(shades):
        red, green, blue, _ = image.cmap(min(shade, 1.0))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(x, y, texts[y][x], ha="center", va="center", fontsize=7,
                  color="white" if dark else "black")  # fmt: skip
