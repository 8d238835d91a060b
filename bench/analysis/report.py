"""From one experiment's records to everything that is committed under ``results/``."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from bench import paths as files
from bench.analysis import (
    data,
    diagnosis,
    formats,
    frames,
    narrative,
    records,
    reliability,
    search_tables,
    table,
)
from bench.analysis.diagnosis import Diagnoses
from bench.analysis.figures import style
from bench.analysis.figures.registry import kinds
from bench.analysis.page import Contents, page
from bench.analysis.records import Records
from bench.analysis.sample_selection import missing, select
from bench.tracking.reading import RecordStore

Format = Literal["md", "tex", "csv", "json"]


@dataclass(frozen=True)
class Comparison:
    """What was compared.

    Attributes:
        table: the most important columns, at most 100 characters wide, for a terminal.
        verdict: which differences are real, in words.
        files: every file that was written.
        problem: a sentence on pictures that are lost; empty where there are none.
        diagnosis: what happened in the training of each variant, a line each.
        diagnoses: the same of each trial, by MLflow run id.
    """

    table: str
    verdict: str
    files: tuple[Path, ...]
    problem: str = ""
    diagnosis: str = ""
    diagnoses: Mapping[str, str] = field(default_factory=dict)


def compare(experiment: str, tracking_uri: str, out: Path) -> Comparison:
    """Write tables, figures and the page of one experiment into ``out``, from MLflow alone.

    Raises:
        UserError: unknown experiment, nothing finished, two evaluators, a store that cannot be
        read.
    """
    store = RecordStore(tracking_uri)
    trials = records.read(store, experiment)
    curves, samples = frames.curves(store, trials), select(store, trials)
    problem, diagnoses = missing(trials, samples), _diagnoses(store, trials, curves)
    copies = _copies(store, trials)
    grids, verdict = _grids(trials, curves, diagnoses), narrative.verdict(trials)
    texts = {
        "table.md": formats.markdown(grids, verdict),
        "table.tex": formats.latex(grids, verdict),
        "table.csv": data.csv(trials),
        "table.json": _json(trials, curves, diagnoses),
    }
    written = _written(out, texts | copies)
    drawn = {
        kind: images
        for kind in kinds()
        if not (problem and kind.of_pictures)
        and (images := style.saved(kind.draw(trials, curves, samples), out, kind.name))
    }
    contents = Contents(
        verdict=verdict,
        grids=grids,
        figures=[(kind, images[0].read_bytes()) for kind, images in drawn.items() if kind.on_page],
        samples=samples.get("samples", []),
        toml=copies.get("experiment.toml", trials.toml),
        environment=copies.get("environment.json", ""),
        tracking_uri=store.uri,
        diagnoses={run_id: diagnosis.sentence(trial) for run_id, trial in diagnoses.items()},
    )
    written += [path for images in drawn.values() for path in images]
    written += _written(out, {"index.html": page(trials, contents)})
    return Comparison(
        table=formats.plain(table.narrow(trials)),
        verdict=contents.verdict,
        diagnosis=diagnosis.summary(trials, diagnoses),
        diagnoses=contents.diagnoses,
        files=tuple(written),
        problem=problem,
    )


def render(experiment: str, tracking_uri: str, format: Format) -> str:
    """One format of the table as text.

    Raises:
        UserError: as ``compare``.
    """
    store = RecordStore(tracking_uri)
    trials = records.read(store, experiment)
    curves = frames.curves(store, trials)
    return _rendered(trials, curves, _diagnoses(store, trials, curves), format)


def _diagnoses(store: RecordStore, trials: Records, curves: pd.DataFrame) -> Diagnoses:
    training = frames.curves(store, trials, frames.TRAINING)
    return diagnosis.diagnose(trials, pd.concat([curves, training]))


def _written(out: Path, texts: dict[str, str]) -> list[Path]:
    for name, text in texts.items():
        with files.replacing(out / name) as file:
            file.write(text.encode())
    return [out / name for name in texts]


def _rendered(trials: Records, curves: pd.DataFrame, diagnoses: Diagnoses, format: Format) -> str:
    if format == "json":
        return _json(trials, curves, diagnoses)
    if format == "csv":
        return data.csv(trials)
    write = formats.markdown if format == "md" else formats.latex
    return write(_grids(trials, curves, diagnoses), narrative.verdict(trials))


def _json(trials: Records, curves: pd.DataFrame, diagnoses: Diagnoses) -> str:
    tree = data.json_tree(trials, curves, diagnoses)
    return json.dumps(tree, indent=1, allow_nan=False) + "\n"


def _grids(trials: Records, curves: pd.DataFrame, diagnoses: Diagnoses) -> list[formats.Grid]:
    """The tables in their order, as far as the records suffice for them."""
    grids = [table.main(trials), diagnosis.grid(trials, diagnoses), table.control(trials)]
    grids += [table.pairs(trials), table.others(trials)]
    grids += [table.second_extractor(trials), reliability.uncertainty(trials)]
    grids += [search_tables.settings(trials, curves), search_tables.influence(trials)]
    grids += [reliability.checkpoints(trials, curves), reliability.costs(trials)]
    return [grid for grid in [*grids, reliability.calibration(trials)] if grid]


def _copies(store: RecordStore, trials: Records) -> dict[str, str]:
    """The experiment as it was last run, the environment as the newest trial recorded it."""
    names = ("experiment.toml", "environment.json")
    contents = {name: store.artifact(trials.newest, name) for name in names}
    copies = {name: text.decode() for name, text in contents.items() if text is not None}
    return copies | ({"experiment.toml": trials.toml} if _whole(trials.toml) else {})


def _whole(toml: str) -> bool:
    """Whether the text was not cut to what MLflow keeps."""
    try:
        return bool(tomllib.loads(toml))
    except tomllib.TOMLDecodeError:
        return False
