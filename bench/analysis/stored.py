"""The stored side of a verification: the table of an experiment as it was committed."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import paths
from bench.analysis.records import ROW, frame
from bench.analysis.summary import Row
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

    @property
    def run_ids(self) -> set[str]:
        return {run_id for row in self.rows for run_id in row.trials.index}


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
        return _parsed(committed or path.read_text(encoding="utf-8"), source)
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


def _parsed(text: str, source: str) -> Stored:
    tree = json.loads(text)
    rows = tuple(_row(row) for row in tree["variants"])
    return Stored(source, str(tree["measure"]), str(tree["protocol"]), rows)


def _row(row: dict[str, Any]) -> Row:
    finals: dict[int, dict[str, float]] = {}
    for name, value in row["final"].items():
        for point in value["points"]:
            finals.setdefault(int(point["seed"]), {})[f"final/{current(name)}"] = float(
                point["value"]
            )
    trials = [
        {
            **trial["params"],
            **finals.get(int(trial["seed"]), {}),
            "run_id": trial["run_id"],
            "seed": int(trial["seed"]),
            "status": trial["status"],
            ROW: row["variant"],
        }
        for trial in row["trials"]
    ]
    return Row(row["variant"], frame(trials))
