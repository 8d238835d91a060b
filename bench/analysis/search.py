"""What a search for settings tells: each setting's value, and how much each field matters.

A setting's value is its FID to held-out images at the end of the search's budget, the mean over the
search's seeds. A trial that diverged is worse than any other.
"""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis import statistics
from bench.analysis.statistics import Array
from bench.tracking.reading import Run
from bench.trials.search import CHOSEN_BY, best

COLLAPSED = 3
"""Modes below which a setting counts as collapsed."""
BOOTSTRAPS = 1000
_FEWEST = 4
PLACE = ("phase", "searched", "setting")
"""Params of a run that say where its trial belongs."""
_OWN = ["value", "diverged", "collapsed", "seconds", "budget"]


def parted(runs: Iterable[Run]) -> tuple[list[Run], list[Run]]:
    """The runs of a search, and all others."""
    parts: tuple[list[Run], list[Run]] = ([], [])
    for run in runs:
        parts[run.params.get("phase") != "search"].append(run)
    return parts


def frame(runs: Iterable[Run]) -> pd.DataFrame:
    """A row a setting by ``searched`` (the row that it is a setting of) and ``setting`` (0: the
    defaults).

    Columns: ``value``, ``diverged`` and ``collapsed`` (of any seed), ``seconds`` (of training, all
    seeds together), ``budget`` (images), and every field in which the settings of some row differ,
    NaN for a row that does not draw it. Empty without runs.
    """
    trials = pd.DataFrame([_trial(run) for run in runs])
    if trials.empty:
        return pd.DataFrame(columns=_OWN)
    by_setting = trials.groupby(["searched", "setting"])
    own = by_setting[_OWN].agg(
        {"value": "mean", "diverged": "any", "collapsed": "any", "seconds": "sum", "budget": "max"}
    )
    given = pd.DataFrame(by_setting["params"].first().tolist(), index=own.index)
    drawn = given.groupby("searched").transform("nunique", dropna=False) > 1
    fields = given.where(drawn).dropna(axis="columns", how="all").map(_parsed)
    return own.join(fields.astype(object))  # Python's own values, which JSON knows


def _trial(run: Run) -> dict[str, Any]:
    diverged, params = run.status == "diverged", run.params
    return {
        "searched": params["searched"],
        "setting": int(params["setting"]),
        "value": math.inf if diverged else run.metrics.get(CHOSEN_BY, math.nan),
        "diverged": diverged,
        "collapsed": not diverged and run.metrics.get("final/modes", COLLAPSED) < COLLAPSED,
        "seconds": run.metrics.get("cost/seconds", math.nan),
        "budget": int(params["budget"]),
        "params": {
            name: text for name, text in params.items() if name not in (*PLACE, "variant", "seed")
        },
    }


def _parsed(text: Any) -> Any:
    """A parameter as it was before MLflow made it text; what is neither number nor truth stays."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return text
    return value if isinstance(value, bool | int | float) else text


def fields(settings: pd.DataFrame) -> list[str]:
    """What was drawn, by name."""
    return sorted(str(name) for name in settings.columns.difference(_OWN))


def by_row(settings: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each row that was searched, with its settings by number."""
    for row, own in settings.groupby("searched") if len(settings) else ():
        yield str(row), own.droplevel("searched").sort_index()


def chosen(own: pd.DataFrame) -> int:
    """The number of the best of one row's settings."""
    return best({int(number): [float(value)] for number, value in own["value"].items()})


def expected_best(values: Array, worst: float) -> tuple[Array, Array, Array]:
    """E[best of k settings] for k = 1..n, with its 95 % bootstrap interval over the settings.

    Args:
        values: (n,); inf for a setting that diverged.
        worst: what such a setting counts as, since no mean holds inf.

    Returns:
        the expectation and both ends of the interval, each (n,).
    """
    finite = np.minimum(values, worst)
    picks = np.random.default_rng(0).integers(len(finite), size=(BOOTSTRAPS, len(finite)))
    low, high = np.percentile(statistics.best_of(finite[picks]), [2.5, 97.5], axis=0)
    return statistics.best_of(finite), low, high


def _varied(pairs: pd.DataFrame) -> bool:
    return len(pairs) >= _FEWEST and bool((pairs.nunique() > 1).all())


def influence(settings: pd.DataFrame) -> pd.DataFrame:
    """How a field and FID move together, over the drawn settings.

    Columns: ``field``, ``searched`` (empty: all rows together, ranked within each), ``n``,
    ``correlation`` (Spearman), ``low``, ``high``. A field without an order of its own is left out,
    and a row that drew fewer than four settings of it.
    """
    lines: list[dict[str, Any]] = []
    for field in fields(settings):
        drawn = settings[settings.index.get_level_values("setting") > 0]
        pairs = drawn[[field, "value"]].dropna()
        pairs = pairs[[isinstance(value, int | float) for value in pairs[field]]].astype(float)
        pairs = pairs.groupby("searched").filter(_varied)
        ranks = pairs.groupby("searched").rank(pct=True)
        own = dict(list(pairs.groupby("searched")))
        whole = {"": ranks} if len(own) else {}
        for searched, pair in (whole | own).items():
            groups = 1 if searched else len(own)
            x, y = pair.to_numpy().T
            numbers = statistics.spearman(x, y, groups)
            line = dict(zip(("correlation", "low", "high"), numbers, strict=True))
            lines.append({"field": field, "searched": searched, "n": len(pair), **line})
    return pd.DataFrame(lines, columns=["field", "searched", "n", "correlation", "low", "high"])
