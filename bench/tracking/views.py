"""What an MLflow experiment shows of itself: description, main metric, three saved views.

The format of a saved view is undocumented. It was read in the user interface of MLflow 3.17 and is
looked at in a real browser by a test; a version that does not know it ignores it.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bench.tracking.experiments import ExperimentRecord
from bench.tracking.record import EXPERIMENT_TAG_LIMIT, within

PRIMARY = "final/fid"
"""The metric that orders an experiment; lower is better."""
NOTE = "mlflow.note.content"
"""The tag that MLflow shows as an experiment's description."""
DESCRIPTION, VERDICT, PAGE = "ganbench.description", "ganbench.verdict", "ganbench.page"
"""The tags that it is made of: the file's own words, the verdict, the run that holds the page."""
KEYS = "ganbench.keys."
"""With a number: the tags that hold the keys of the experiment's trials."""
_KEYS_IN_A_TAG = EXPERIMENT_TAG_LIMIT // 65

COLUMNS = (
    "params.`variant`",
    "params.`seed`",
    "metrics.`final/fid`",
    "metrics.`final/modes`",
    "metrics.`final/mode_kl`",
    "metrics.`best/fid`",
    "metrics.`cost/seconds`",
    "tags.`ganbench.status`",
)
_BY_VARIANT = {
    "aggregateFunction": "average",
    "groupByKeys": [{"mode": "param", "groupByData": "variant"}],
}
# One that is not named here is added at the end, and stands open.
_SECTIONS = (
    *("eval", "final", "best", "train", "cost", "noise"),
    *("final/digit_share", "final/digit_coverage"),
)
_BASE = {
    "orderByKey": f"metrics.`{PRIMARY}`",
    "orderByAsc": True,
    "selectedColumns": COLUMNS,
    # Ten runs are drawn unless told otherwise, and a quick experiment has twelve.
    "runsHiddenMode": "SHOW_ALL",
    "isAccordionReordered": True,
    # Not the run that holds the page, which is no trial.
    "searchFilter": "params.`variant` != ''",
}
MODES = {"leaderboard": "TABLE", "curves": "CHART", "samples": "CHART"}
"""The saved views, and whether each opens as a table or as charts."""


def experiment_tags(
    about: ExperimentRecord, experiment_id: str, present: Mapping[str, str]
) -> dict[str, str]:
    """Every tag of the experiment that the sweep knows.

    Args:
        about: what the experiment says of itself.
        experiment_id: MLflow's.
        present: the tags that it has; a verdict among them stays in the description.
    """
    toml = within(about.toml, EXPERIMENT_TAG_LIMIT, "the artifact experiment.toml of each run")
    described = {DESCRIPTION: within(about.description, EXPERIMENT_TAG_LIMIT, "experiment.toml")}
    tags = {
        "ganbench.protocol": about.protocol,
        "ganbench.measure": about.measure,
        "ganbench.floor": json.dumps(about.floor),
        "ganbench.calibration": json.dumps(about.calibration),
        "ganbench.toml": toml,
        "ganbench.command": about.command,
        "ganbench.seeds": about.seeds_option,
        **_key_tags(about.keys, present),
        **described,
        NOTE: note({**present, **described}, experiment_id),
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": PRIMARY,
        "mlflow.experiment.primaryMetric.greaterIsBetter": "false",
    }
    return tags | {f"mlflow.sharedViewState.{name}": view for name, view in _views(about).items()}


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
    links = [f"[{name}]({address(experiment_id, name)})" for name in MODES]
    footer = f"\n\nViews: {' · '.join(links)}"
    if PAGE in tags:
        page = f"#/experiments/{experiment_id}/runs/{tags[PAGE]}/artifacts/index.html"
        footer = f"\n\n[The whole comparison on one page]({page}){footer}"
    verdict = f"**Verdict:** {tags[VERDICT]}\n\n" if VERDICT in tags else ""
    room = EXPERIMENT_TAG_LIMIT - len(verdict) - len(footer)
    asked = within(tags.get(DESCRIPTION, ""), room, "the artifact experiment.toml")
    return verdict + asked + footer


def address(experiment_id: str, view: str) -> str:
    """Where a saved view opens, relative to the address of the MLflow server."""
    # The workflow decides the side bar: without it MLflow offers prompts and traces.
    query = {
        "viewStateShareKey": view,
        "compareRunsMode": MODES[view],
        "workflowType": "machine_learning",
    }
    return f"#/experiments/{experiment_id}/runs?{urlencode(query)}"


def _views(about: ExperimentRecord) -> dict[str, str]:
    """Name of each saved view to the value of its tag."""
    curves = ("eval/fid", "eval/modes", "eval/mode_kl", "train/loss_d", "train/loss_g")
    return {
        "leaderboard": _packed("Leaderboard", _BASE),
        "curves": _packed(
            "Curves by variant, mean over seeds",
            _BASE | {"groupBy": _BY_VARIANT} | _charts([_line(name) for name in curves], "eval"),
        ),
        "samples": _packed("Sample grids", _BASE | _samples(about)),
    }


def _samples(about: ExperimentRecord) -> dict[str, Any]:
    """The grids of one seed, because MLflow draws ten runs and a sweep has more: no variant is
    left out."""
    chosen = {"searchFilter": f"params.`seed` = '{about.seed}'"}
    return chosen | _charts([_grids(about.budget)], "samples")


def _packed(name: str, state: dict[str, Any]) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    return json.dumps({"name": name, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})


def _charts(charts: list[dict[str, Any]], opened: str) -> dict[str, Any]:
    """Charts in sections, the first of them open. MLflow adds the missing metrics by itself."""
    sections = [
        {
            "uuid": name,
            "name": name,
            "display": name == opened,
            "isReordered": False,
            "deleted": False,
            "isGenerated": True,
            "columns": 1 if name == "samples" else 3,
            "cardHeight": 540 if name == "samples" else 360,  # pixels
        }
        for name in dict.fromkeys([opened, *_SECTIONS])
    ]
    return {"compareRunCharts": charts, "compareRunSections": sections}


def _line(metric: str) -> dict[str, Any]:
    section, name = metric.split("/")
    return {
        "uuid": metric,
        "type": "LINE",
        "runsCountToCompare": 10,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": True,
        "displayName": name,
        "metricKey": metric,
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _grids(step: int) -> dict[str, Any]:
    """The image chart of the ten best runs, its slider at ``step``, which must be one of theirs."""
    return {
        "uuid": "samples",
        "type": "IMAGE",
        "runsCountToCompare": 10,
        "metricSectionId": "samples",
        "deleted": False,
        "isGenerated": True,
        "imageKeys": ["samples"],
        "step": step,
        "showRunParams": False,
    }
