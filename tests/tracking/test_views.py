"""Tags of an experiment, and the format of the saved views."""

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from bench.tracking import connection, views
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.tracking.record import EXPERIMENT_TAG_LIMIT


def test_experiment_tells_what_its_numbers_mean(
    publisher: Publisher, uri: str, about: ExperimentRecord
) -> None:
    assert publisher.connect(), publisher.problem
    entry = connection.writer(uri).get_experiment_by_name("quick")
    assert entry is not None
    tags = entry.tags
    assert tags["ganbench.protocol"] == about.protocol
    assert tags["ganbench.measure"] == about.measure
    assert tags["ganbench.toml"] == about.toml
    assert json.loads(tags["ganbench.floor"]) == about.floor
    assert json.loads(tags["ganbench.calibration"]) == about.calibration
    assert tags["mlflow.experiment.primaryMetric.name"] == "final/fid"
    assert tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == "false"
    assert tags["mlflow.note.content"].startswith("Which is **best**?")


def test_later_description_replaces_the_earlier(
    publisher: Publisher, uri: str, about: ExperimentRecord
) -> None:
    assert publisher.connect()
    later = replace(about, description="Which is worst?")
    assert Publisher(uri, "quick", later).connect()
    entry = connection.writer(uri).get_experiment_by_name("quick")
    assert entry is not None
    assert entry.tags["mlflow.note.content"].startswith("Which is worst?")


def test_no_tag_is_longer_than_mlflow_keeps(about: ExperimentRecord) -> None:
    long = replace(about, toml="x" * 30_000, description="y" * 30_000)
    tags = views.experiment_tags(long, "1", {})
    assert max(len(value) for value in tags.values()) == EXPERIMENT_TAG_LIMIT
    texts = {views.VERDICT: "z" * (EXPERIMENT_TAG_LIMIT // 2), views.PAGE: "0" * 32}
    with_verdict = views.experiment_tags(long, "1", texts)[views.NOTE]
    assert len(with_verdict) == EXPERIMENT_TAG_LIMIT
    assert texts[views.VERDICT] in with_verdict
    assert "30,000 characters" in tags["ganbench.toml"]
    assert views.address("1", "samples") in tags["mlflow.note.content"]


def test_tags_are_the_same_at_every_start(about: ExperimentRecord) -> None:
    """Else every start would write them again."""
    assert views.experiment_tags(about, "1", {}) == views.experiment_tags(about, "1", {})


def state(tags: dict[str, str], name: str) -> dict[str, Any]:
    packed = json.loads(tags[f"mlflow.sharedViewState.{name}"])["state"].removeprefix("deflate;")
    unpacked: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return unpacked


def test_the_phases_of_a_search_have_views_of_their_own(about: ExperimentRecord) -> None:
    plain = views.experiment_tags(about, "1", {})
    assert "mlflow.sharedViewState.search" not in plain
    assert views.address("1", "search") not in plain[views.NOTE]
    tags = views.experiment_tags(replace(about, places={"key": {"phase": "search"}}), "1", {})
    assert state(tags, "search")["searchFilter"] == "params.`phase` = 'search'"
    assert state(tags, "search")["orderByKey"] == "metrics.`eval/fid_heldout`"
    for name in ("leaderboard", "curves"):
        assert state(tags, name)["searchFilter"] == "params.`phase` = 'final'"
        assert state(plain, name)["searchFilter"] == "params.`variant` != ''"
    assert views.address("1", "search") in tags[views.NOTE]
    later = views.note({**tags, views.VERDICT: "Yes."}, "1")
    assert views.address("1", "search") in later


@pytest.mark.parametrize("name", views.MODES)
def test_saved_view_is_an_envelope_around_a_packed_state(
    name: str, about: ExperimentRecord
) -> None:
    envelope = json.loads(views.experiment_tags(about, "1", {})[f"mlflow.sharedViewState.{name}"])
    assert set(envelope) == {"name", "createdAt", "updatedAt", "state"}
    packed = envelope["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert state["orderByKey"] == "metrics.`final/fid`"
    assert state["orderByAsc"] is True
    charts, sections = state.get("compareRunCharts", []), state.get("compareRunSections", [])
    assert {chart["metricSectionId"] for chart in charts} <= {item["uuid"] for item in sections}
    # What a trial logs and no section is there for, MLflow shows open, below the rest.
    if sections:
        closed = {item["name"] for item in sections if not item["display"]}
        assert {"final/digit_share", "final/digit_coverage", "noise"} <= closed
