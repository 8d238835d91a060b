"""Each row of the table: its trials, and each measure summed up over them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from bench.analysis import statistics
from bench.analysis.records import ROW, Records

MAIN = ("fid", "modes", "modes_any", "mode_kl", "confidence", "inception_score")


@dataclass(frozen=True)
class Summary:
    """One measure over the finished seeds of one row; the replicate is the training run."""

    points: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, trials: pd.DataFrame, column: str) -> "Summary":
        """A column of the trials that have it, by seed."""
        values = trials.set_index("seed").reindex(columns=[column])[column].dropna()
        return cls(tuple((int(seed), float(value)) for seed, value in values.items()))

    @cached_property
    def values(self) -> np.ndarray:
        return np.array([value for _, value in self.points], float)

    @property
    def n(self) -> int:
        return len(self.points)

    @property
    def mean(self) -> float | None:
        return float(self.values.mean()) if self.n else None

    @property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds (n − 1); None for fewer than two."""
        return float(self.values.std(ddof=1)) if self.n > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % t-interval of the mean; None for fewer than two seeds."""
        if self.n < 2:
            return None
        low, high = statistics.t_interval(self.values)
        return float(low), float(high)

    def text(self) -> str:
        """``12.3 ± 0.4``; without ± for one seed; a dash where no seed has the measure."""
        if self.mean is None:
            return "–"
        if not self.sd:
            return trimmed(self.mean) + (" ± 0" if self.sd == 0 else "")
        places = decimals(self.sd)
        return f"{self.mean:.{places}f} ± {self.sd:.{places}f}"


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the table: the trials of one variant in one configuration, as in `Records`."""

    name: str
    trials: pd.DataFrame

    @cached_property
    def done(self) -> pd.DataFrame:
        return self.trials[self.trials["status"] == "done"]

    @cached_property
    def diverged(self) -> pd.DataFrame:
        return self.trials[self.trials["status"] == "diverged"]

    def final(self, metric: str) -> Summary:
        return self.summary(f"final/{metric}")

    def summary(self, column: str) -> Summary:
        """A column over the finished trials that have it."""
        return Summary.of(self.done, column)

    def missing(self) -> str:
        """The classes that finished seeds miss, by the number of seeds: ``4 9 (3/3), 2 (1/3)``."""
        tags = list(self.done["trial/missing"])
        counts = Counter(label for tag in tags if tag != "none" for label in tag.split())
        groups = [
            f"{' '.join(sorted(label for label in counts if counts[label] == n))} ({n}/{len(tags)})"
            for n in sorted(set(counts.values()), reverse=True)
        ]
        return ", ".join(groups) or ("none" if any(tags) else "–")


@lru_cache(maxsize=8)
def rows(records: Records) -> list[Row]:
    """Best mean FID first; after them the rows of which half the trials diverged, or more.

    The mean is over what finished, so a variant that is lucky once and diverges otherwise would
    lead every table.
    """

    def place(row: Row) -> tuple[bool, float, str]:
        mean = row.final("fid").mean
        mostly_diverged = 2 * len(row.diverged) >= len(row.trials)
        return mostly_diverged, float("inf") if mean is None else mean, row.name

    table = (Row(str(name), trials) for name, trials in records.trials.groupby(ROW))
    return sorted(table, key=place)


def recorded(trials: pd.DataFrame, section: str = "final") -> list[str]:
    """The measures of a section that some trial has, sorted, without the section's name."""
    names = trials.filter(regex=f"^{section}/").dropna(axis="columns", how="all").columns
    return sorted(name.removeprefix(f"{section}/") for name in names)


def other_measures(records: Records) -> list[str]:
    """The final measures next to the main ones, by name; without those of a number a class."""
    names = [name for name in recorded(records.trials) if "/" not in name]
    return [name for name in names if name not in (*MAIN, "fid_heldout")]


def by_class(records: Records) -> list[str]:
    """The final measures that have one number a class, ``<name>/<class>`` in the records."""
    names = [name for name in recorded(records.trials) if "/" in name]
    return sorted({name.partition("/")[0] for name in names})


def classes(records: Records) -> list[str]:
    """The classes that the records name, in their measures' names or as missing."""
    numbers = {name.partition("/")[2] for name in [*recorded(records.trials), *records.floor]}
    missing = {label for tag in records.trials["trial/missing"] for label in tag.split()}
    return sorted((label for label in numbers | missing if label.isdecimal()), key=int)


def gaps(table: Iterable[Row]) -> list[str]:
    """A sentence for each measure that some finished seed of a row does not have."""
    sentences = []
    for row in table:
        final = row.done.set_index("seed")[[f"final/{name}" for name in recorded(row.done)]]
        present = final.notna().T.groupby(lambda name: name.split("/")[1]).any()
        for metric, seeds in present.iterrows():
            if lacking := ", ".join(map(str, seeds.index[~seeds])):
                sentences.append(f"{metric} of {row.name} was not recorded for seed {lacking}.")
    return sentences


def decimals(value: float, digits: int = 2) -> int:
    """Decimal places that show ``digits`` significant digits of a non-zero value, 0 to 6."""
    return int(min(6, max(0, digits - 1 - np.floor(np.log10(abs(value))))))


def between(low: float, high: float) -> str:
    """``8.1 to 9.3``: the ends of an interval, as exact as its width."""
    places = decimals(high - low) if high > low else 2
    return f"{low:.{places}f} to {high:.{places}f}"


def times(ratio: float) -> str:
    """A ratio to the floor: ``7.1``, ``1,211``."""
    return f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def trimmed(value: float) -> str:
    """As short as it can be said to four significant digits: ``10``, ``0.25``."""
    text = f"{value:.{decimals(value, 4) if value else 0}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
