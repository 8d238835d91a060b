"""The numbers behind the tables, unrounded: rows for CSV, a tree for JSON."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from bench.analysis import narrative, summary, verdicts
from bench.analysis.checkpoints import Choice, choices
from bench.analysis.records import Records, parameters
from bench.analysis.summary import MAIN, Row, Summary

_SPREAD = ("n", "mean", "sd", "low", "high")


def csv_table(records: Records) -> tuple[list[str], list[list[str | float | int]]]:
    """Heads and rows: per variant n, mean, sd and 95 % t-interval of every measure.

    The measures of one number a digit are in the JSON.
    """
    names = [*MAIN, *summary.other_measures(records)]
    heads = ["variant", "measure", "seeds", "failures", "missing"]
    heads += [f"{name} {part}" for name in names for part in _SPREAD]
    heads += [f"best fid {part}" for part in _SPREAD] + [f"images_per_s {part}" for part in _SPREAD]
    rows = [_csv_row(row, names, records.measure) for row in summary.rows(records)]
    if records.floor:
        rows.append(_csv_floor(records, names, len(heads)))
    return heads, rows


def json_tree(records: Records, curves: pd.DataFrame) -> dict[str, Any]:
    """Everything: verdict, protocol, rows with points and run ids, pairs, checkpoints, floor,
    calibration.

    Each of ``pairs`` is a `verdicts.Pair` with its attributes as keys: ``a``, ``b``, ``measure``,
    ``n_a``, ``n_b``, ``finished_a``, ``finished_b``, ``test`` ("welch", "mann-whitney" or null),
    ``ratio``, ``effect``, ``low``, ``high``, ``level``, ``p``, ``p_holm``, ``probability``,
    ``verdict`` ("better", "worse", "not distinguishable", "too few seeds"), ``needed``. Tables from
    before Welch's test have ``seeds`` (shared by both) and ``finished`` instead of the four counts,
    no ``test`` and no ``level``, and the verdict "tied".
    """
    table = summary.rows(records)
    pairs = verdicts.pairs(table, "fid")
    return {
        "experiment": records.experiment,
        "verdict": narrative.verdict(records, table, pairs),
        "ruler": records.evaluator,
        "measure": records.measure,
        "protocol": records.protocol,
        "floor": records.floor,
        "calibration": list(records.calibration),
        "variants": [_json_row(row) for row in table],
        "pairs": [asdict(pair) for pair in pairs],
        "checkpoints": [_json_choice(choice) for choice in choices(records, curves)],
        "notes": list(records.notes),
    }


def _csv_row(row: Row, names: list[str], measure: str) -> list[str | float | int]:
    cells: list[str | float | int] = [row.name, measure, len(row.done), len(row.diverged)]
    cells.append(row.missing())
    for value in (
        *(row.final(name) for name in names),
        row.summary("best/fid"),
        row.summary("cost/images_per_s"),
    ):
        ends = value.interval or (None, None)
        cells += [value.n, *(_empty(x) for x in (value.mean, value.sd, *ends))]
    return cells


def _csv_floor(records: Records, names: list[str], width: int) -> list[str | float | int]:
    cells: list[str | float | int] = ["real images (floor)", records.measure, "", "", ""]
    for name in names:
        cells += ["", records.floor.get(name, ""), "", "", ""]
    return cells + [""] * (width - len(cells))


def _json_row(row: Row) -> dict[str, Any]:
    names = summary.recorded(row.done)
    return {
        "variant": row.name,
        "n": len(row.done),
        "failures": len(row.diverged),
        "missing": row.missing(),
        "final": _json_section(row, "final", names),
        "best": _json_section(row, "best", names),
        "cost": _json_section(row, "cost", summary.recorded(row.done, "cost")),
        "trials": [
            {
                "seed": trial["seed"],
                "status": trial["status"],
                "reason": trial["trial/reason"],
                "run_id": run_id,
                "key": trial["trial/key"],
                "missing": trial["trial/missing"],
                "params": params,
            }
            for (run_id, trial), params in zip(
                row.trials.iterrows(), parameters(row.trials), strict=True
            )
        ],
    }


def _json_section(row: Row, section: str, names: list[str]) -> dict[str, Any]:
    summaries = {name: row.summary(f"{section}/{name}") for name in names}
    return {name: _json_value(value) for name, value in summaries.items() if value.n}


def _json_choice(choice: Choice) -> dict[str, Any]:
    return {
        "variant": choice.row.name,
        "last": _json_value(choice.last),
        "chosen on held-out": _json_value(choice.heldout),
        "chosen on the reference": _json_value(choice.reference),
        "selection_bias": _json_value(choice.selection_bias),
    }


def _json_value(value: Summary) -> dict[str, Any]:
    points = [{"seed": seed, "value": point} for seed, point in value.points]
    low, high = value.interval or (None, None)
    spread = {"mean": value.mean, "sd": value.sd, "low": low, "high": high}
    return {"n": value.n, **spread, "points": points}


def _empty(value: float | None) -> str | float:
    return "" if value is None else value
