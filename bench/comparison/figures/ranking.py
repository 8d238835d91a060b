"""Variants on a line of mean ranks, joined where no verdict tells them apart (Demšar 2006)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from bench.comparison.figures.style import GREY, looks, styled
from bench.comparison.records import Records
from bench.comparison.summary import Row, rows
from bench.comparison.verdicts import groups, pairs


def mean_ranks(table: list[Row]) -> dict[str, float]:
    """Row to its mean rank by FID (1 best) over the seeds that every row ran; diverged last."""
    shared = sorted(set.intersection(*({trial.seed for trial in row.trials} for row in table)))
    values = [
        [dict(row.final("fid").points).get(seed, float("inf")) for seed in shared] for row in table
    ]
    ranks = stats.rankdata(np.array(values), axis=0).mean(axis=1) if shared else []
    return {row.name: float(rank) for row, rank in zip(table, ranks, strict=False)}


def ranking(records: Records) -> Figure | None:
    """None for a single variant, or where the variants share no seed."""
    table = rows(records)
    ranks = mean_ranks(table) if len(table) > 1 else {}
    if not ranks:
        return None
    letters = groups(table, pairs(table, "fid"))
    with styled():
        figure = Figure(figsize=(8, 1.5 + 0.27 * len(table) + 0.16 * len(_bars(letters, ranks))))
        axes = figure.subplots()
        _variants(axes, ranks, records)
        _joined(axes, _bars(letters, ranks))
        axes.set_title(_title(letters, ranks))
    return figure


def _title(letters: dict[str, str], ranks: dict[str, float]) -> str:
    if not letters:
        return "Mean rank by FID (too few seeds for a verdict on any pair)"
    if not _bars(letters, ranks):
        return "Mean rank by FID; every pair is told apart"
    return "Mean rank by FID; a bar joins variants that cannot be told apart"


def _variants(axes: Axes, ranks: dict[str, float], records: Records) -> None:
    last, look = len(ranks), looks(records.rows)
    axes.set(xlim=(0.8, last + 0.2), xticks=range(1, last + 1), yticks=[])
    axes.set_xlabel("mean rank over shared seeds (1 is best; a diverged trial ranks last)")
    axes.spines["left"].set_visible(False)
    for place, (name, rank) in enumerate(sorted(ranks.items(), key=lambda item: item[1])):
        height = place + 1.0
        axes.plot([rank, rank], [0, height], color=GREY, lw=0.8)
        axes.plot([rank], [height], look[name].marker, color=look[name].color, ms=7)
        axes.annotate(f"{name}  {rank:.2f}", (rank, height), (7, 0), va="center",
                      textcoords="offset points", annotation_clip=False)  # fmt: skip
    axes.set_ylim(0, last + 0.8)


def _bars(letters: dict[str, str], ranks: dict[str, float]) -> list[list[float]]:
    """The mean ranks of every group of two or more."""
    found = []
    for letter in sorted(set("".join(letters.values()))):
        of_group = [ranks[name] for name, text in letters.items() if letter in text]
        if len(of_group) > 1:
            found.append(of_group)
    return found


def _joined(axes: Axes, bars: list[list[float]]) -> None:
    for place, of_group in enumerate(bars):
        height = 0.35 + 0.3 * place
        axes.plot([min(of_group), max(of_group)], [height] * 2, color="black", lw=2)
        # A variant in between need not belong to the group: the verdicts are of pairs.
        axes.plot(of_group, [height] * len(of_group), "o", color="black", ms=6)
