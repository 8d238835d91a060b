"""From one experiment's records to everything that is committed under ``results/``."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench import store as files
from bench.comparison import data, formats, records, table, verdicts, words
from bench.comparison.figures import style
from bench.comparison.figures.curves import courses, fid_curves
from bench.comparison.figures.digits import missing_digits
from bench.comparison.figures.ranking import ranking
from bench.comparison.figures.samples import latent_paths, sample_grids
from bench.comparison.figures.seeds import seeds
from bench.comparison.figures.tradeoffs import tradeoffs
from bench.comparison.gallery import gallery
from bench.comparison.records import Records
from bench.comparison.store import RecordStore
from bench.comparison.summary import rows

Format = Literal["md", "tex", "csv", "json"]


@dataclass(frozen=True)
class Comparison:
    """What was compared.

    Attributes:
        table: the main table in Markdown.
        verdict: which differences are real, in words.
        files: every file that was written.
    """

    table: str
    verdict: str
    files: tuple[Path, ...]


def compare(
    experiment: str, tracking_uri: str, out: Path, report: Callable[[str], None] = lambda line: None
) -> Comparison:
    """Write tables, figures and the page of one experiment into ``out``, from MLflow alone.

    Raises:
        UserError: unknown experiment, nothing finished, two rulers, a store that cannot be read.
    """
    store = RecordStore(tracking_uri)
    found = records.read(store, experiment)
    written = [_write(out / f"table.{f}", render_records(found, f)) for f in ("md", "tex", "csv", "json")]
    report(f"Tables of {len(found.trials)} trials written to {out}.")
    written += _figures(store, found, out) + _copies(store, found, out)
    report(f"Figures written to {out}.")
    return Comparison(formats.markdown([table.main(found)]), _verdict(found), tuple(written))


def render(experiment: str, tracking_uri: str, format: Format) -> str:
    """One format of the table as text.

    Raises:
        UserError: as ``compare``.
    """
    return render_records(records.read(RecordStore(tracking_uri), experiment), format)


def render_records(found: Records, format: Format) -> str:
    if format == "json":
        return json.dumps(data.json_tree(found), indent=1, allow_nan=False) + "\n"
    if format == "csv":
        return formats.comma_separated(*data.csv_table(found))
    grids = [table.main(found), table.pairs(found), table.others(found), table.calibration(found)]
    write = formats.markdown if format == "md" else formats.latex
    return write([grid for grid in grids if grid], _verdict(found))


def _verdict(found: Records) -> str:
    table_rows = rows(found)
    return words.verdict(found, table_rows, verdicts.pairs(table_rows, "fid"))


def _figures(store: RecordStore, found: Records, out: Path) -> list[Path]:
    curves, shown = courses(store, found), gallery(store, found)
    drawn = {
        "fid": fid_curves(found, curves) if curves else None,
        "seeds": seeds(found),
        "ranking": ranking(found),
        "digits": missing_digits(found),
        "tradeoffs": tradeoffs(found),
        "samples": sample_grids(shown) if shown else None,
        "paths": latent_paths(shown),
    }
    return [path for name, one in drawn.items() if one for path in style.save(one, out, name)]


def _copies(store: RecordStore, found: Records, out: Path) -> list[Path]:
    """The experiment file and the environment, as the newest finished trial recorded them."""
    newest = found.trials[-1].run_id
    written = []
    for name in ("experiment.toml", "environment.json"):
        if (content := store.artifact(newest, name)) is not None:
            written.append(_write(out / name, content.decode()))
    return written


def _write(path: Path, text: str) -> Path:
    with files.replacing(path) as file:
        file.write(text.encode())
    return path
