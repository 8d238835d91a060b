"""The numbers behind the tables, unrounded: as CSV, as JSON, and read back from the JSON."""

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import paths
from bench.analysis import narrative, search_tables, summary, verdicts
from bench.analysis.diagnosis import Diagnoses, of_row
from bench.analysis.records import ROW, Records, frame, parameters
from bench.analysis.reliability import choices
from bench.analysis.summary import MAIN, Row, Summary
from bench.analysis.table import FLOOR
from bench.errors import UserError
from bench.evaluation.identity import current
from bench.trials import provenance


@dataclass(frozen=True)
class Stored:
    """A table that was kept.

    Attributes:
        source: where it was read, for a reader.
        measure, protocol: as the records' own.
        rows: with the final numbers of each trial and nothing else of it.
    """

    source: str
    measure: str
    protocol: str
    rows: tuple[Row, ...]


def csv(records: Records) -> str:
    """A line a variant: n, mean, sd and 95 % t-interval of every measure.

    The measures of one number a class are in the JSON.
    """
    names = [*MAIN, *summary.other_measures(records)]
    columns = {f"final/{name}": name for name in names}
    columns |= {"best/fid": "best fid", "cost/images_per_s": "images_per_s"}
    lines: list[dict[str, Any]] = []
    for row in summary.rows(records):
        done, diverged = len(row.done), len(row.diverged)
        about = {"variant": row.name, "measure": records.measure, "seeds": done}
        lines.append({**about, "failures": diverged, "missing": row.missing()})
        for column, name in columns.items():
            spread = _spread(row.summary(column))
            lines[-1] |= {f"{name} {part}": value for part, value in spread.items()}
    if records.floor:
        floor = {f"{name} mean": records.floor.get(name) for name in names}
        lines.append({"variant": FLOOR, "measure": records.measure, **floor})
    table = pd.DataFrame(lines, dtype=object)
    return str(table.to_csv(index=False, lineterminator="\n"))


def json_tree(records: Records, curves: pd.DataFrame, diagnoses: Diagnoses) -> dict[str, Any]:
    """Everything: verdict, protocol, rows with points and run ids, diagnosis, pairs, checkpoints,
    floor, calibration.

    Each of ``pairs`` is a `verdicts.Pair` with its attributes as keys. Tables from before Welch's
    test have ``seeds`` (shared by both) and ``finished`` instead of the four counts, no ``test``
    and no ``level``.
    """
    table, control = summary.rows(records), {}
    if records.control:
        compared = verdicts.pairs(table, "fid", records.control)
        control = {"control": records.control, "against_control": list(map(asdict, compared))}
    return {
        "experiment": records.experiment,
        "verdict": narrative.verdict(records),
        **control,
        "ruler": records.evaluator,
        "measure": records.measure,
        "protocol": records.protocol,
        "floor": records.floor,
        "calibration": list(records.calibration),
        "variants": [_json_row(row) for row in table],
        "diagnosis": [
            {"variant": row.name, **asdict(entry)}
            for row in table
            for entry in of_row(row, diagnoses)
        ],
        "pairs": [asdict(pair) for pair in verdicts.pairs(table, "fid")],
        "checkpoints": [
            {"variant": row.name, **{name: _json_value(value) for name, value in chosen.items()}}
            for row, chosen in choices(records, curves)
        ],
        **({"search": search_tables.json_rows(records, curves)} if len(records.search) else {}),
        "notes": list(records.notes),
    }


def read(experiment: str, against: Path | None = None) -> Stored:
    """The table to compare fresh runs with.

    What is committed comes first, because a fresh ``run`` of the experiment writes over the file;
    outside a checkout, or where nothing is committed, it is the file as it lies there.

    Args:
        experiment: whose ``results/<experiment>/table.json`` it is.
        against: another such file.

    Raises:
        UserError: there is none, it cannot be read, or git refuses the checkout.
    """
    name = f"results/{experiment}/table.json"
    path = against or paths.home() / name
    committed = None if against else _committed(name)
    source = f"{name} as committed" if committed else str(path)
    try:
        tree = json.loads(committed or path.read_text(encoding="utf-8"))
        rows = tuple(Row(row["variant"], frame(_trials(row))) for row in tree["variants"])
        return Stored(source, str(tree["measure"]), str(tree["protocol"]), rows)
    except FileNotFoundError as error:
        raise UserError(
            f"There is no stored table to compare '{experiment}' with ({path} does not exist): "
            "commit the table of an earlier run there, or name one with --against FILE."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{source} cannot be read as a stored table ({type(error).__name__}: {error}): "
            "bring the original back, or name another with --against FILE."
        ) from error


def _spread(value: Summary) -> dict[str, Any]:
    low, high = value.interval or (None, None)
    return {"n": value.n, "mean": value.mean, "sd": value.sd, "low": low, "high": high}


def _json_row(row: Row) -> dict[str, Any]:
    names = summary.recorded(row.done)
    about = row.trials[["seed", "status", "trial/reason", "trial/key", "trial/missing"]]
    trials = about.rename(columns=lambda name: name.removeprefix("trial/")).reset_index()
    given = parameters(row.trials)
    order = ("seed", "status", "reason", "run_id", "key", "missing")
    return {
        "variant": row.name,
        "n": len(row.done),
        "failures": len(row.diverged),
        "missing": row.missing(),
        "final": _json_section(row, "final", names),
        "best": _json_section(row, "best", names),
        "cost": _json_section(row, "cost", summary.recorded(row.done, "cost")),
        "trials": [
            {**{name: trial[name] for name in order}, "params": params}
            for trial, params in zip(trials.to_dict("records"), given, strict=True)
        ],
    }


def _json_section(row: Row, section: str, names: list[str]) -> dict[str, Any]:
    summaries = {name: row.summary(f"{section}/{name}") for name in names}
    return {name: _json_value(value) for name, value in summaries.items() if value.n}


def _json_value(value: Summary) -> dict[str, Any]:
    points = [{"seed": seed, "value": point} for seed, point in value.points]
    return {**_spread(value), "points": points}


def _committed(name: str) -> str | None:
    """The file at the last commit; None outside a checkout or where it was never committed.

    Raises:
        UserError: git does not say. The file as it lies there may be of the very runs to check.
    """
    home = paths.home()
    if not provenance.checkout(home):
        return None
    try:
        if not provenance.git(home, "ls-tree", "HEAD", "--", name):
            return None
        return provenance.git(home, "show", f"HEAD:./{name}")
    except provenance.GitError as error:
        raise UserError(
            f"The committed {name} cannot be read, because git says: {error}. Make `git -C "
            f"{shlex.quote(str(home))} log` work, or name a stored table with --against FILE."
        ) from error


def _trials(row: dict[str, Any]) -> list[dict[str, Any]]:
    final: dict[int, dict[str, float]] = {}
    for name, value in row["final"].items():
        for point in value["points"]:
            column = f"final/{current(name)}"
            final.setdefault(int(point["seed"]), {})[column] = float(point["value"])
    return [
        {
            **trial["params"],
            **final.get(int(trial["seed"]), {}),
            "run_id": trial["run_id"],
            "status": trial["status"],
            ROW: row["variant"],
            "seed": int(trial["seed"]),
        }
        for trial in row["trials"]
    ]
