"""From one experiment's records to everything that is committed under ``results/``."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd
from matplotlib.figure import Figure

from bench import paths as files
from bench.analysis import data, formats, learning_curves, narrative, records, table, verdicts
from bench.analysis.checkpoints import checkpoints
from bench.analysis.figures import style
from bench.analysis.figures.registry import FigureKind, kinds
from bench.analysis.narrow import narrow
from bench.analysis.page import Contents, page
from bench.analysis.records import Records
from bench.analysis.sample_selection import missing, select
from bench.analysis.summary import rows
from bench.analysis.variance_components import uncertainty
from bench.tracking.reading import RecordStore

Format = Literal["md", "tex", "csv", "json"]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """What was compared.

    Attributes:
        table: the most important columns, at most 100 characters wide, for a terminal.
        verdict: which differences are real, in words.
        files: every file that was written.
    """

    table: str
    verdict: str
    files: tuple[Path, ...]


def compare(
    experiment: str, tracking_uri: str, out: Path, report: Report = lambda line: None
) -> Comparison:
    """Write tables, figures and the page of one experiment into ``out``, from MLflow alone.

    Raises:
        UserError: unknown experiment, nothing finished, two evaluators, a store that cannot be
        read.
    """
    store = RecordStore(tracking_uri)
    found = records.read(store, experiment)
    curves, forms = learning_curves.read(store, found), get_args(Format)
    written = [_write(out / f"table.{form}", _rendered(found, curves, form)) for form in forms]
    report(f"{len(found.trials)} trials compared; the tables are in {out}.")
    copies = _copies(store, found)
    written += [_write(out / name, text) for name, text in copies.items()]
    written += _pictured(store, found, curves, copies, out, report)
    report(f"The figures and the page are there too: open {out / 'index.html'}.")
    return Comparison(formats.plain(narrow(found)), _verdict(found), tuple(written))


def render(experiment: str, tracking_uri: str, format: Format) -> str:
    """One format of the table as text.

    Raises:
        UserError: as ``compare``.
    """
    store = RecordStore(tracking_uri)
    found = records.read(store, experiment)
    return _rendered(found, learning_curves.read(store, found), format)


def _rendered(found: Records, curves: pd.DataFrame, format: Format) -> str:
    if format == "json":
        return json.dumps(data.json_tree(found, curves), indent=1, allow_nan=False) + "\n"
    if format == "csv":
        return formats.comma_separated(*data.csv_table(found))
    write = formats.markdown if format == "md" else formats.latex
    return write(_grids(found, curves), _verdict(found))


def _grids(found: Records, curves: pd.DataFrame) -> list[table.Grid]:
    """The tables in their order, as far as the records suffice for them."""
    grids = [table.main(found), table.pairs(found), table.others(found)]
    grids += [table.second_extractor(found), uncertainty(found), checkpoints(found, curves)]
    grids += [table.costs(found), table.calibration(found)]
    return [grid for grid in grids if grid]


def _verdict(found: Records) -> str:
    table_rows = rows(found)
    return narrative.verdict(found, table_rows, verdicts.pairs(table_rows, "fid"))


def _copies(store: RecordStore, found: Records) -> dict[str, str]:
    """The experiment as it was last run, the environment as the newest trial recorded it."""
    contents = {
        name: store.artifact(found.newest, name) for name in ("experiment.toml", "environment.json")
    }
    copies = {name: text.decode() for name, text in contents.items() if text is not None}
    return copies | ({"experiment.toml": found.toml} if _whole(found.toml) else {})


def _whole(toml: str) -> bool:
    """Whether the text was not cut to what MLflow keeps."""
    try:
        return bool(tomllib.loads(toml))
    except tomllib.TOMLDecodeError:
        return False


def _pictured(
    store: RecordStore,
    found: Records,
    curves: pd.DataFrame,
    copies: dict[str, str],
    out: Path,
    report: Report,
) -> list[Path]:
    """Draw the figures, then the page that holds them."""
    samples = select(store, found)
    if lost := missing(found, samples):
        report(lost)
    drawn = [
        kind
        for kind in kinds()
        if not (lost and kind.of_pictures) and _drawn(kind, kind.draw(found, curves, samples), out)
    ]
    contents = Contents(
        verdict=_verdict(found),
        grids=_grids(found, curves),
        figures=[(kind, (out / f"{kind.name}.png").read_bytes()) for kind in drawn if kind.on_page],
        samples=samples.get("samples", []),
        toml=copies.get("experiment.toml", found.toml),
        environment=copies.get("environment.json", ""),
        tracking_uri=store.uri,
    )
    written = [out / f"{kind.name}{suffix}" for kind in drawn for suffix in style.SUFFIXES]
    return [*written, _write(out / "index.html", page(found, contents))]


def _drawn(kind: FigureKind, drawing: Figure | None, out: Path) -> bool:
    """Write the figure's files, or remove those of an earlier time; whether there are any now."""
    if drawing is not None:
        style.save(drawing, out, kind.name)
        return True
    for suffix in style.SUFFIXES:
        (out / f"{kind.name}{suffix}").unlink(missing_ok=True)
    return False


def _write(path: Path, text: str) -> Path:
    with files.replacing(path) as file:
        file.write(text.encode())
    return path
