"""Which classes the generators fail at: missed by whole seeds, drawn too seldom, hardly covered."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.analysis.figures.registry import figure
from bench.analysis.figures.style import styled
from bench.analysis.records import Records
from bench.analysis.sample_selection import Samples
from bench.analysis.summary import Row, recorded, rows

_REAL = "real images"


@dataclass(frozen=True)
class _Panel:
    """Lines × classes: what stands in each cell, and its place (0 to 1) in a palette."""

    title: str
    names: list[str]
    classes: list[str]
    texts: list[list[str]]
    shade: NDArray[np.float64]
    palette: str


@figure(
    title="Failures by class",
    caption="How many finished seeds draw a class less than a tenth as often as real images do; "
    "below, where recorded, means over the seeds: how often each class is drawn, and the share of "
    "its test images that a sample of it comes near.",
    place=3,
)
def digits(records: Records, curves: pd.DataFrame, samples: Samples) -> Figure | None:
    """A panel on missing classes, on shares and on coverage, as far as each was recorded."""
    found = [_missed(records), _shares(records), _covered(records)]
    panels = [panel for panel in found if panel]
    if not panels:
        return None
    heights = [len(panel.names) + 1.3 for panel in panels]
    with styled():
        drawing = Figure(figsize=(7, 0.6 + 0.34 * sum(heights)))
        axes = drawing.subplots(len(panels), height_ratios=heights, squeeze=False)[:, 0]
        for one, panel in zip(axes, panels, strict=True):
            _draw(one, panel)
        axes[-1].set_xlabel("class")
    return drawing


def classes(records: Records) -> list[str]:
    """The classes that the records name, in their measures' names or as missing."""
    named = recorded(records.trials)
    numbers = {name.partition("/")[2] for name in [*named, *records.floor]}
    missing = {label for tag in records.trials["trial/missing"] for label in tag.split()}
    return sorted((label for label in numbers | missing if label.isdecimal()), key=int)


def missed(row: Row, among: list[str]) -> list[int] | None:
    """How many finished seeds miss each class; None where that was not recorded."""
    tags = [tag.split() for tag in row.done["trial/missing"] if tag]
    return [sum(label in tag for tag in tags) for label in among] if tags else None


def means(records: Records, measure: str) -> dict[str, list[float]]:
    """Row to the measure's mean of each class, the real images last; empty without records."""
    names = [f"{measure}/{label}" for label in classes(records)]
    found = {row.name: [row.final(name).mean for name in names] for row in rows(records)}
    known = {row: [v for v in values if v is not None] for row, values in found.items()}
    whole = {row: values for row, values in known.items() if 0 < len(values) == len(names)}
    if whole and all(name in records.floor for name in names):
        whole[_REAL] = [records.floor[name] for name in names]
    return whole


def _missed(records: Records) -> _Panel | None:
    labels = classes(records)
    counted = [(row, counts) for row in rows(records) if (counts := missed(row, labels))]
    if not counted:
        return None
    return _Panel(
        "Seeds that miss a class (none is best)",
        [f"{row.name} (n = {len(row.done)})" for row, _ in counted],
        labels,
        [[str(count or "·") for count in counts] for _, counts in counted],
        np.array([np.array(counts) / len(row.done) for row, counts in counted]),
        "Blues",
    )


def _shares(records: Records) -> _Panel | None:
    found = means(records, "digit_share")
    if not found:
        return None
    values = np.array(list(found.values()))
    # Half of the palette is as often as real, its end twice as often or more.
    shade = values / np.array(found.get(_REAL, [1 / values.shape[1]] * values.shape[1])) / 2
    texts = [[f"{100 * value:.1f}" for value in line] for line in values]
    title = "Share of the samples [%] (white: never, dark: too often)"
    return _Panel(title, list(found), classes(records), texts, shade, "Purples")


def _covered(records: Records) -> _Panel | None:
    found = means(records, "digit_coverage")
    if not found:
        return None
    values = np.array(list(found.values()))
    texts = [[f"{value:.2f}" for value in line] for line in values]
    title = "Coverage within the class (1 is best)"
    return _Panel(title, list(found), classes(records), texts, values, "Greens")


def _draw(axes: Axes, panel: _Panel) -> None:
    image = axes.imshow(panel.shade, cmap=panel.palette, vmin=0, vmax=1, aspect="auto")
    axes.grid(visible=False)
    axes.set(xticks=range(len(panel.classes)), xticklabels=panel.classes)
    axes.set(yticks=range(len(panel.names)), yticklabels=panel.names)
    axes.set_title(panel.title)
    for (y, x), shade in np.ndenumerate(panel.shade):
        red, green, blue, _ = image.cmap(min(shade, 1.0))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(x, y, panel.texts[y][x], ha="center", va="center", fontsize=7,
                  color="white" if dark else "black")  # fmt: skip
