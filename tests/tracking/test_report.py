"""The verdict and the page of a comparison in MLflow."""

from pathlib import Path

import pytest

from bench.analysis import records as compared
from bench.errors import UserError
from bench.tracking import connection, views
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher
from bench.tracking.reading import RecordStore
from bench.tracking.report import log_report

from .records import artifacts, runs
from .synthetic import Trial


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "index.html"
    path.write_text("<p>wgan</p>")
    return path


def description(uri: str) -> str:
    entry = connection.writer(uri).get_experiment_by_name("quick")
    assert entry is not None
    return str(entry.tags[views.NOTE])


def test_the_verdict_stands_in_the_description_and_the_page_next_to_the_runs(
    publisher: Publisher, uri: str, about: ExperimentRecord, trial: Trial, page: Path
) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    for verdict in ("a is better than b.", "wgan is best."):
        log_report(uri, "quick", verdict, [page])
    note = description(uri)
    assert note.startswith(f"**Verdict:** wgan is best.\n\n{about.description}\n\n")
    assert "a is better than b." not in note
    (held,) = [run for run in runs(uri) if "ganbench.kind" in run.data.tags]
    assert (held.info.status, artifacts(uri, held)) == ("FINISHED", ["index.html"])
    assert f"/runs/{held.info.run_id}/artifacts/index.html" in note
    assert all(name in note for name in views.MODES)


def test_the_next_sweep_leaves_the_verdict_where_it_is(
    publisher: Publisher, uri: str, about: ExperimentRecord, page: Path
) -> None:
    assert publisher.connect()
    log_report(uri, "quick", "wgan is best.", [page])
    before = description(uri)
    again = Publisher(uri, "quick", about)
    assert again.connect()
    assert again.reconcile(set()) == 0
    assert description(uri) == before


def test_the_run_that_holds_the_page_is_no_trial(
    publisher: Publisher, uri: str, trial: Trial, page: Path
) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    before = compared.read(RecordStore(uri), "quick").trials
    log_report(uri, "quick", "wgan is best.", [page])
    assert compared.read(RecordStore(uri), "quick").trials.equals(before)


def test_the_diagnosis_stands_in_the_description_and_that_of_a_trial_on_its_run(
    publisher: Publisher, uri: str, trial: Trial, page: Path
) -> None:
    trial.points().finish()
    assert publisher.send(trial.folder), publisher.problem
    (run,) = runs(uri)
    lines = "wgan: past its best (1 of 1).\nhinge: healthy (1 of 1)."
    for text in ("collapsed", "past its best since 3,200: FID was 6, and is 9"):
        log_report(uri, "quick", "a verdict", [page], lines, [(run.info.run_id, text)])
    (tagged,) = [run for run in runs(uri) if "ganbench.kind" not in run.data.tags]
    assert tagged.data.tags["ganbench.diagnosis"] == text
    bullets = "- wgan: past its best (1 of 1).\n- hinge: healthy (1 of 1)."
    assert f"**Diagnosis:**\n\n{bullets}\n\n[The whole comparison" in description(uri)


def test_an_experiment_that_is_not_there_is_said(uri: str, page: Path) -> None:
    with pytest.raises(UserError, match="no experiment 'quick' in .*: run `ganbench run quick`"):
        log_report(uri, "quick", "wgan is best.", [page])
