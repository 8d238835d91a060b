"""What an MLflow experiment shows of itself: description, main metric, saved views.

The format of a saved view is undocumented. It was read in the user interface of MLflow 3.17 and is
looked at in a real browser by a test; a version that does not know it ignores it. The parts that
are the same for every experiment stand in ``views.json``.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.tracking.experiments import ExperimentRecord
from bench.tracking.record import EXPERIMENT_TAG_LIMIT, within

PRIMARY = "final/fid"
"""The metric that orders an experiment; lower is better."""
NOTE = "mlflow.note.content"
"""The tag that MLflow shows as an experiment's description."""
DESCRIPTION, VERDICT, PAGE = "ganbench.description", "ganbench.verdict", "ganbench.page"
DIAGNOSIS = "ganbench.diagnosis"
"""The tags that it is made of: the file's own words, the verdict, the run that holds the page, and
what happened in the training of each variant; of a run, what happened in its own."""
KEYS = "ganbench.keys."
"""With a number: the tags that hold the keys of the experiment's trials."""
_KEYS_IN_A_TAG = EXPERIMENT_TAG_LIMIT // 65
_PARTS = Path(__file__).with_name("views.json")

MODES = {"leaderboard": "TABLE", "curves": "CHART", "samples": "CHART"}
"""The saved views, and whether each opens as a table or as charts."""
SEARCH = "search"
"""The saved view of the settings that were tried; only where an experiment has a search."""
_VIEW = "mlflow.sharedViewState."


def experiment_tags(
    about: ExperimentRecord, experiment_id: str, present: Mapping[str, str]
) -> dict[str, str]:
    """Every tag of the experiment that the sweep knows; a verdict among those ``present`` stays in
    the description."""
    toml = within(about.toml, EXPERIMENT_TAG_LIMIT, "the artifact experiment.toml of each run")
    described = {DESCRIPTION: within(about.description, EXPERIMENT_TAG_LIMIT, "experiment.toml")}
    views = {f"{_VIEW}{name}": view for name, view in _views(about).items()}
    return {
        "ganbench.protocol": about.protocol,
        "ganbench.measure": about.measure,
        "ganbench.floor": json.dumps(about.floor),
        "ganbench.calibration": json.dumps(about.calibration),
        "ganbench.toml": toml,
        "ganbench.command": about.command,
        "ganbench.seeds": about.seeds_option,
        "ganbench.control": about.control,
        **_key_tags(about.keys, present),
        **described,
        NOTE: note({**present, **described, **views}, experiment_id),
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": PRIMARY,
        "mlflow.experiment.primaryMetric.greaterIsBetter": "false",
        **views,
    }


def _key_tags(keys: Sequence[str], present: Mapping[str, str]) -> dict[str, str]:
    """The trials' keys in as many tags as they need; tags of a longer plan before are emptied."""
    parts = [keys[start : start + _KEYS_IN_A_TAG] for start in range(0, len(keys), _KEYS_IN_A_TAG)]
    tags = {f"{KEYS}{number}": " ".join(part) for number, part in enumerate(parts)}
    return {name: "" for name in present if name.startswith(KEYS)} | tags


def planned_keys(tags: Mapping[str, str]) -> set[str]:
    """The keys of the trials that an experiment consists of; empty where nothing says it."""
    return {key for name in tags if name.startswith(KEYS) for key in tags[name].split()}


def note(tags: Mapping[str, str], experiment_id: str) -> str:
    """The description: the verdict if there is one, what was asked, links to page and views.

    Markdown within MLflow's limit. Folded, it shows two lines, so the verdict comes first.
    """
    names = [*MODES, *[SEARCH] * (f"{_VIEW}{SEARCH}" in tags)]
    links = [f"[{name}]({address(experiment_id, name)})" for name in names]
    footer = f"\n\nViews: {' · '.join(links)}"
    if PAGE in tags:
        page = f"#/experiments/{experiment_id}/runs/{tags[PAGE]}/artifacts/index.html"
        footer = f"\n\n[The whole comparison on one page]({page}){footer}"
    verdict = f"**Verdict:** {tags[VERDICT]}\n\n" if VERDICT in tags else ""
    if tags.get(DIAGNOSIS):
        lines = tags[DIAGNOSIS].splitlines()
        footer = "\n\n**Diagnosis:**\n\n" + "\n".join(f"- {line}" for line in lines) + footer
    room = EXPERIMENT_TAG_LIMIT - len(verdict) - len(footer)
    asked = within(tags.get(DESCRIPTION, ""), room, "the artifact experiment.toml")
    return verdict + asked + footer


def address(experiment_id: str, view: str) -> str:
    """Where a saved view opens, relative to the address of the MLflow server."""
    # The workflow decides the side bar: without it MLflow offers prompts and traces.
    query = {
        "viewStateShareKey": view,
        "compareRunsMode": MODES.get(view, "TABLE"),
        "workflowType": "machine_learning",
    }
    return f"#/experiments/{experiment_id}/runs?{urlencode(query)}"


def _views(about: ExperimentRecord) -> dict[str, str]:
    """Name of each saved view to the value of its tag."""
    parts = json.loads(_PARTS.read_text(encoding="utf-8"))
    state, search = parts["state"], {}
    if about.places:
        search = {SEARCH: _packed("Settings that were tried", state | parts["search"])}
        state = state | {"searchFilter": "params.`phase` = 'final'"}
    lines = [
        {"uuid": metric, "metricKey": metric, "metricSectionId": section, "displayName": name}
        | parts["line"]
        for metric in parts["curves"]
        for section, name in [metric.split("/")]
    ]
    curves = {"groupBy": parts["by_variant"], **_charts(lines, "eval", parts)}
    # The grids of one seed: MLflow draws ten runs and a sweep has more, and no variant may lack.
    grid = parts["grids"] | {"step": about.budget}
    samples = {
        "searchFilter": f"params.`seed` = '{about.seed}'",
        **_charts([grid], "samples", parts),
    }
    return {
        "leaderboard": _packed("Leaderboard", state),
        "curves": _packed("Curves by variant, mean over seeds", state | curves),
        "samples": _packed("Sample grids", state | samples),
        **search,
    }


def _packed(name: str, state: dict[str, Any]) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    return json.dumps({"name": name, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})


def _charts(charts: list[dict[str, Any]], opened: str, parts: dict[str, Any]) -> dict[str, Any]:
    """Charts in sections, the first of them open. MLflow adds the missing metrics by itself.

    A section that is not named here MLflow would add at the end, open.
    """
    sections = [
        {"uuid": name, "name": name, "display": name == opened}
        | parts["section"]
        | parts["large" if name == "samples" else "small"]
        for name in dict.fromkeys([opened, *parts["sections"]])
    ]
    return {"compareRunCharts": charts, "compareRunSections": sections}
