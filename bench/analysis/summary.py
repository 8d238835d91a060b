"""Each row of the table: its trials, and each measure summed up over them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.analysis import statistics
from bench.analysis.records import Records, Trial

MAIN = ("fid", "modes", "modes_any", "mode_kl", "confidence", "inception_score")


@dataclass(frozen=True)
class Summary:
    """One measure over the finished seeds of one row; the replicate is the training run."""

    points: tuple[tuple[int, float], ...]

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points]

    @property
    def n(self) -> int:
        return len(self.points)

    @cached_property
    def mean(self) -> float | None:
        return float(np.mean(self.values)) if self.points else None

    @cached_property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds (n − 1); None for fewer than two."""
        return float(np.std(self.values, ddof=1)) if self.n > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % t-interval of the mean; None for fewer than two seeds."""
        if self.n < 2:
            return None
        low, high = statistics.t_interval(np.array(self.values))
        return float(low), float(high)

    def text(self) -> str:
        """``12.3 ± 0.4``; without ± for one seed; a dash where no seed has the measure."""
        if self.mean is None:
            return "–"
        if self.sd is None:
            return trimmed(self.mean)
        if self.sd == 0:
            return f"{trimmed(self.mean)} ± 0"
        places = decimals(self.sd)
        return f"{self.mean:.{places}f} ± {self.sd:.{places}f}"


@dataclass(frozen=True)
class Row:
    """A variant's trials: those that finished, and those that diverged."""

    name: str
    trials: tuple[Trial, ...]

    @property
    def done(self) -> list[Trial]:
        return [trial for trial in self.trials if not trial.diverged]

    @property
    def diverged(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.diverged]

    @property
    def mostly_diverged(self) -> bool:
        """Whether the median trial did not finish."""
        return 2 * len(self.diverged) >= len(self.trials)

    def final(self, metric: str) -> Summary:
        return self._summary(metric, lambda trial: trial.final)

    def best(self, metric: str) -> Summary:
        """At the checkpoint that was chosen on held-out images."""
        return self._summary(metric, lambda trial: trial.best)

    def cost(self, metric: str) -> Summary:
        return self._summary(metric, lambda trial: trial.cost)

    def missing(self) -> str:
        """The digits that finished seeds miss, by the number of seeds: ``4 9 (3/3), 2 (1/3)``."""
        tags = [trial.missing for trial in self.done]
        counts = Counter(digit for tag in tags if tag != "none" for digit in tag.split())
        told = [
            f"{' '.join(sorted(d for d in counts if counts[d] == n))} ({n}/{len(tags)})"
            for n in sorted(set(counts.values()), reverse=True)
        ]
        return ", ".join(told) or ("none" if any(tags) else "–")

    def _summary(self, metric: str, of: Callable[[Trial], dict[str, float]]) -> Summary:
        return Summary(tuple((t.seed, of(t)[metric]) for t in self.done if metric in of(t)))


def rows(records: Records) -> list[Row]:
    """Best mean FID first; after them the rows of which half the trials diverged, or more.

    The mean is over what finished, so a variant that is lucky once and diverges otherwise would
    lead every table.
    """
    found = [Row(name, tuple(records.of(name))) for name in records.rows]
    return sorted(found, key=_place)


def other_measures(records: Records) -> list[str]:
    """The final measures beside the main ones, by name; without those of ten numbers each."""
    names = {name for trial in records.trials for name in trial.final if "/" not in name}
    return sorted(names - set(MAIN) - {"fid_heldout"})


def by_digit(records: Records) -> list[str]:
    """The final measures that have one number a digit, ``<name>/<digit>`` in the records."""
    names = {name for trial in records.trials for name in trial.final if "/" in name}
    return sorted({name.partition("/")[0] for name in names})


def gaps(table: Iterable[Row]) -> list[str]:
    """A sentence for each measure that some finished seed of a row does not have."""
    found = []
    for row in table:
        recorded = {
            trial.seed: {name.partition("/")[0] for name in trial.final} for trial in row.done
        }
        for metric in sorted(set().union(*recorded.values())):
            lacking = [str(seed) for seed, names in recorded.items() if metric not in names]
            if lacking:
                seeds = ", ".join(lacking)
                found.append(f"{metric} of {row.name} was not recorded for seed {seeds}.")
    return found


def decimals(value: float, digits: int = 2) -> int:
    """Decimal places that show ``digits`` significant digits of a non-zero value, 0 to 6."""
    return int(min(6, max(0, digits - 1 - np.floor(np.log10(abs(value))))))


def times(ratio: float) -> str:
    """A ratio to the floor: ``7.1``, ``1,211``."""
    return f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def trimmed(value: float) -> str:
    """As short as it can be said to four significant digits: ``10``, ``0.25``."""
    places = decimals(value, 4) if value else 0
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _place(row: Row) -> tuple[bool, float, str]:
    mean = row.final("fid").mean
    return row.mostly_diverged, float("inf") if mean is None else mean, row.name
