"""What happened in each trial and in each row of the table, since when, and what helps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.analysis.formats import Cell, Grid
from bench.analysis.health import HEALTHY, RULES, START, Finding, Trial
from bench.analysis.records import Records, parameters
from bench.analysis.rules import findings
from bench.analysis.summary import Row, rows
from bench.analysis.table import named

UNKNOWN = "unknown"
"""Where too little was recorded."""
_HEADS = ("variant", "what happened", "since (real samples)", "trials", "how sure", "what helps")
_NOTE = (
    "Rules look at the curves and the last numbers of each trial. Trials: in how many of the "
    "variant's trials the rule applies; the words behind the colon are of the first one. Likely: "
    "near the rule's threshold, or inferred from signs. A dash: nothing recorded says it. "
    "Healthy: no other rule applies. This is a hint where to look, not a verdict."
)

Diagnoses = Mapping[str, Mapping[str, Finding]]
"""The findings of each trial by rule, by MLflow run id."""


@dataclass(frozen=True)
class RowFinding:
    """What one rule says of the trials of one row.

    Attributes:
        what: its name, and the detail of the first trial that it applies to.
        since: in real samples shown, a range where the trials differ; empty where nothing says it.
        count: in how many of ``of`` trials it applies.
    """

    name: str
    what: str
    since: str
    count: int
    of: int
    sure: bool
    helps: str


def diagnose(records: Records, curves: pd.DataFrame) -> Diagnoses:
    """Every trial by every rule.

    Args:
        curves: of evaluations and of training, as `frames.curves` gives both.
    """
    return {run_id: findings(trial) for run_id, trial in trials(records, curves).items()}


def trials(records: Records, curves: pd.DataFrame) -> dict[str, Trial]:
    """What the rules see of each trial, by run id."""
    by_run = {str(run_id): part for run_id, part in curves.groupby(level=0)}
    given = parameters(records.trials)
    return {
        str(run_id): _trial(records, trial, settings, by_run.get(str(run_id), curves[:0]))
        for (run_id, trial), settings in zip(records.trials.iterrows(), given, strict=True)
    }


def _trial(
    records: Records, trial: "pd.Series[float]", settings: dict[str, str], curves: pd.DataFrame
) -> Trial:
    final = {str(n)[6:]: float(v) for n, v in trial.items() if str(n).startswith("final/")}
    absent = str(trial["trial/missing"])
    by_images = curves.set_index("images").sort_index()
    return Trial(
        classes=_classes(records, final),
        final=final,
        curves={str(n): part["value"] for n, part in by_images.groupby("metric")},
        settings=settings,
        missing=() if absent == "none" else tuple(absent.split()),
        diverged=str(trial["trial/reason"] or "no reason given")
        if trial["status"] == "diverged"
        else "",
    )


def _classes(records: Records, final: Mapping[str, float]) -> int:
    """Of the data set: those that real data covers, or that have a share; 0 where nobody says."""
    shares = sum(name.startswith("digit_share/") for name in final)
    return int(records.floor.get("modes", shares))


def names(trial: Mapping[str, Finding]) -> str:
    """``collapsed; past its best``, ``unknown``."""
    return "; ".join(trial) or UNKNOWN


def sentence(trial: Mapping[str, Finding]) -> str:
    """All that is said of one trial, as a line."""
    parts = [
        f"{name}{_since([finding], ' since ')}: {finding.detail}" for name, finding in trial.items()
    ]
    return ". ".join(parts) or UNKNOWN


def of_row(row: Row, diagnoses: Diagnoses) -> list[RowFinding]:
    """What the rules say of a row, those of most trials first."""
    trials = {int(trial["seed"]): diagnoses[str(i)] for i, trial in row.trials.iterrows()}
    entries = [_entry(name, trials) for name in RULES if any(name in t for t in trials.values())]
    return sorted(entries, key=lambda entry: -entry.count)


def grid(records: Records, diagnoses: Diagnoses) -> Grid:
    """A line for each row and rule that applies, in the table's order of rows."""
    lines = [
        (
            named(row),
            Cell(entry.what),
            Cell(entry.since or "–"),
            Cell(f"{entry.count} of {entry.of}", value=entry.count),
            Cell("sure" if entry.sure else "likely"),
            Cell(entry.helps),
        )
        for row in rows(records)
        for entry in of_row(row, diagnoses)
    ]
    applying = {name for trial in diagnoses.values() for name in trial}
    notes = [f"{name}: {rule.about}" for name, rule in RULES.items() if name in applying]
    caption = "Diagnosis: is the training healthy?"
    return Grid("diagnosis", caption, _HEADS, tuple(lines), (_NOTE, *notes))


def summary(records: Records, diagnoses: Diagnoses) -> str:
    """A line a variant, for a terminal: ``wgan: past its best since 200,000 (8 of 8). Try: …``"""
    return "\n".join(_line(row.name, of_row(row, diagnoses)) for row in rows(records))


def _line(name: str, entries: Sequence[RowFinding]) -> str:
    texts = [f"{e.name}{e.since and ' since ' + e.since} ({e.count} of {e.of})" for e in entries]
    advice = [f"Try: {entry.helps}." for entry in entries[:1] if entry.name != HEALTHY]
    return " ".join([f"{name}: {', '.join(texts) or UNKNOWN}.", *advice])


def _entry(name: str, trials: Mapping[int, Mapping[str, Finding]]) -> RowFinding:
    applying = {seed: trial[name] for seed, trial in trials.items() if name in trial}
    (seed, first), *others = applying.items()
    alike = all(finding.detail == first.detail for _, finding in others)
    return RowFinding(
        name,
        f"{name}: {first.detail}" if alike else f"{name}; seed {seed}: {first.detail}",
        _since(applying.values()),
        len(applying),
        len(trials),
        all(finding.sure for finding in applying.values()),
        RULES[name].helps,
    )


def _since(findings: Iterable[Finding], before: str = "") -> str:
    """``200,000 to 400,000``; empty where nothing says it."""
    known = sorted({finding.since for finding in findings if finding.since is not None})
    if not known:
        return ""
    ends = [
        "the start" if end == START else f"{end:,}"
        for end in dict.fromkeys(known[:: len(known) - 1 or 1])
    ]
    return before + " to ".join(ends)
