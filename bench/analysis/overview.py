"""The page that links all experiments of a results folder, made of what lies in their folders."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bench import paths
from bench.analysis.page import templates
from bench.analysis.summary import Summary


@dataclass(frozen=True)
class Entry:
    """One experiment: its folder's name, what it asks, the verdict's first sentence, its best row.

    ``fid`` is that row's mean ± sd, as text.
    """

    name: str
    description: str
    verdict: str
    best: str
    fid: str


def write(results: Path) -> Path:
    """Write ``index.html`` into a folder of results; the same folders, the same bytes."""
    entries = [_entry(page.parent) for page in sorted(results.glob("*/index.html"))]
    path = results / "index.html"
    with paths.replacing(path, "w") as file:
        file.write(templates().get_template("overview.html").render(entries=entries))
    return path


def _entry(folder: Path) -> Entry:
    """What its tables say; a folder whose tables are missing or damaged has its link only."""
    try:
        table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        toml = tomllib.loads((folder / "experiment.toml").read_text(encoding="utf-8"))
        best = table["variants"][0]
        points = best["final"].get("fid", {"points": []})["points"]
        fid = Summary(tuple((point["seed"], point["value"]) for point in points)).text()
        first = table["verdict"].removesuffix(".").partition(". ")[0]
        return Entry(folder.name, toml.get("description", ""), f"{first}.", best["variant"], fid)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return Entry(folder.name, "", "Its tables cannot be read.", "–", "–")
