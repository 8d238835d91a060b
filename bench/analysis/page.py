"""The page: one self-contained file that opens from disk, without any network."""

import base64
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape
from PIL import Image

from bench.analysis import narrative, table
from bench.analysis.figures.registry import FigureKind
from bench.analysis.figures.samples import cells
from bench.analysis.formats import Grid
from bench.analysis.glance import glance
from bench.analysis.records import Records, parameters, shared
from bench.analysis.sample_selection import SampleGrids, pixels
from bench.analysis.summary import MAIN, Row, by_class, other_measures, recorded, rows
from bench.evaluation.declarations import measure

_FOLDER = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Contents:
    """All that the page shows next to what the records themselves say.

    Attributes:
        figures: each with its PNG.
        diagnoses: of each trial, by its run id.
    """

    verdict: str
    grids: list[Grid]
    figures: list[tuple[FigureKind, bytes]]
    samples: list[SampleGrids]
    toml: str
    environment: str
    tracking_uri: str
    diagnoses: Mapping[str, str]


def page(records: Records, contents: Contents) -> str:
    """The whole page as HTML."""
    names = [name for name in MAIN if name in recorded(records.trials)]
    by_row: dict[str, list[SampleGrids]] = {}
    for grids in contents.samples:
        by_row.setdefault(grids.row, []).append(grids)
    lines, axis = glance(records, contents.samples)
    return (
        templates()
        .get_template("page.html")
        .render(
            link=lambda run_id: _link(run_id, records, contents.tracking_uri),
            records=records,
            contents=contents,
            rows=rows(records),
            trial_heads=[measure(name).head for name in names] + [table.CHOSEN, "training [s]"],
            trial_numbers=[*(f"final/{name}" for name in names), "best/fid", "cost/seconds"],
            lines=lines,
            axis=axis,
            samples=by_row,
            scatter=bool(contents.samples) and cells(contents.samples[0].last, 1) is None,
            steps=sorted({step for grids in contents.samples for step in grids.pngs}),
            protocol=shared(records.trials),
            configurations=_configurations(rows(records)),
            environment=_flat(json.loads(contents.environment or "{}")),
            commits=sorted(set(records.trials["trial/commit"]) - {""}),
            measures=[
                measure(name) for name in (*MAIN, *other_measures(records), *by_class(records))
            ],
            run=narrative.command(records),
        )
    )


def templates() -> jinja2.Environment:
    """The page's templates, with the functions that they use."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=lambda name: name is None or name.endswith("html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (data_uri, compact, anchor, unbroken, commands):
        environment.filters[function.__name__] = function
    environment.filters["count"] = "{:,}".format
    environment.filters["number"] = _number
    environment.globals["floor"] = table.FLOOR
    return environment


def data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def compact(png: bytes) -> bytes:
    """The same picture in 16 levels or colours: half the size, and the page holds many."""
    file = io.BytesIO()
    levels = Image.fromarray(pixels(png) // 17 * 17).quantize(16)
    levels.save(file, format="PNG", optimize=True)
    return file.getvalue()


def commands(text: str) -> Markup:
    """Plain text with what stands in backticks set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def unbroken(head: str) -> str:
    """A column head that wraps between words, never before its arrow or inside its unit."""
    return head.replace(" ↑", "\u00a0↑").replace(" ↓", "\u00a0↓").replace("[of ", "[of\u00a0")


def anchor(name: str) -> str:
    """A row's name as an element's id."""
    return "trials-" + "".join(char if char.isalnum() else "-" for char in name)


def _link(run_id: str, records: Records, uri: str) -> str | None:
    """The run on its tracking server; a store that is a file has no address of its own."""
    if not uri.startswith("http"):
        return None
    return f"{uri.rstrip('/')}/#/experiments/{records.experiment_id}/runs/{run_id}"


def _number(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.6g}"


def _configurations(table_rows: list[Row]) -> pd.DataFrame:
    """A row a variant: the parameters in which the variants differ."""
    params = pd.DataFrame({row.name: parameters(row.trials)[0] for row in table_rows}).T
    params = params.drop(columns=["variant", "seed"]).fillna("–").sort_index(axis="columns")
    return params.loc[:, params.nunique() > 1]


def _flat(tree: dict[str, Any]) -> list[tuple[str, str]]:
    """Nested dictionaries as (dotted name, value)."""
    values = pd.json_normalize(tree).iloc[0].items() if tree else ()
    return [(str(n), ", ".join(map(str, v)) if isinstance(v, list) else str(v)) for n, v in values]
