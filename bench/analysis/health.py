"""What a diagnosis is made of: what rules see of a trial, what they find, and what a rule is."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

FIELDS = ("Threshold", "Source", "Helps")
HEALTHY = "healthy"
START = 0
"""What holds since then has always held."""


@dataclass(frozen=True)
class Trial:
    """What the rules see of one trial. What was not recorded is NaN, or an empty curve.

    Attributes:
        classes: of the data set; for points, its modes.
        final: the last checkpoint's numbers by metric ("recall").
        curves: evaluations ("fid") and training ("loss_d"), each by real samples shown.
        settings: its parameters, as text.
        missing: the classes that it does not draw, as their numbers.
        diverged: why it diverged; empty where it did not.
    """

    classes: int
    final: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, "pd.Series[float]"] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    diverged: str = ""

    def number(self, metric: str) -> float:
        return self.final.get(metric, math.nan)

    def curve(self, name: str) -> "pd.Series[float]":
        """Without what is not finite."""
        curve = self.curves.get(name, pd.Series(dtype=float))
        return curve[np.isfinite(curve)]

    def smooth(self, name: str) -> "pd.Series[float]":
        """A curve of training; at each point the median of the twentieth of it that ends there."""
        curve = self.curve(name)
        return curve.rolling(max(1, len(curve) // 20), min_periods=1).median()


@dataclass(frozen=True)
class Finding:
    """That a rule applies to a trial.

    Attributes:
        detail: what is to be seen in this trial.
        since: in real samples shown; None where nothing recorded says it.
        sure: False where it lies near the threshold, or where it is inferred from signs.
    """

    detail: str
    since: int | None = None
    sure: bool = True


Check = Callable[[Trial], Finding | None]


@dataclass(frozen=True)
class Rule:
    """A rule as a reader meets it; ``hides`` names rules that would say the same, or less."""

    name: str
    about: str
    helps: str
    hides: tuple[str, ...]
    check: Check


RULES: dict[str, Rule] = {}
"""By name, causes before what follows from them, `HEALTHY` last."""


def rule(name: str, *hides: str) -> Callable[[Check], Check]:
    """Register a rule; a ValueError says which field its docstring lacks."""

    def register(check: Check) -> Check:
        about, _, rest = (inspect.getdoc(check) or "").partition("\n\n")
        text = " ".join(rest.split())
        if lacking := [name for name in FIELDS if f"{name}: " not in text]:
            raise ValueError(f"The docstring of the rule '{name}' has no {', '.join(lacking)}.")
        helps = text.partition("Helps: ")[2]
        RULES[name] = Rule(name, " ".join(about.split()), helps, hides, check)
        return check

    return register


def began(holds: "pd.Series[bool]") -> int | None:
    """Since when something holds that holds at the end; None where it does not, or is empty."""
    if not len(holds) or not holds.iloc[-1]:
        return None
    before = holds.index[~holds]
    return int(holds.index[holds.index > before[-1]][0]) if len(before) else START
