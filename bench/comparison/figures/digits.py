"""Which digits the finished seeds fail to draw."""

import numpy as np
from matplotlib.figure import Figure

from bench.comparison.figures.style import styled
from bench.comparison.records import Records
from bench.comparison.summary import Row, rows


def missed(row: Row) -> list[int] | None:
    """For each digit 0–9, how many finished seeds miss it; None where that was not recorded."""
    tags = [trial.missing for trial in row.done if trial.missing]
    return [sum(str(d) in tag.split() for tag in tags) for d in range(10)] if tags else None


def missing_digits(records: Records) -> Figure | None:
    """Variants × digits, the share of finished seeds that miss the digit; None without records."""
    found = [(row, counts) for row in rows(records) if (counts := missed(row))]
    if not found:
        return None
    share = np.array([np.array(counts) / len(row.done) for row, counts in found])
    with styled():
        figure = Figure(figsize=(7, 1.3 + 0.4 * len(found)))
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.grid(visible=False)
        names = [f"{row.name} (n = {len(row.done)})" for row, _ in found]
        axes.set(xticks=range(10), yticks=range(len(found)), yticklabels=names, xlabel="digit")
        axes.set_title("Seeds that miss a digit (none is best)")
        for (y, x), value in np.ndenumerate(share):
            told = found[y][1][x]
            axes.text(x, y, str(told or "·"), ha="center", va="center", fontsize=8,
                      color="white" if value > 0.6 else "black")  # fmt: skip
        figure.colorbar(image, ax=axes, label="share of seeds", ticks=[0, 0.5, 1])
    return figure
