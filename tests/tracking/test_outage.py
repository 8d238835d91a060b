"""MLflow absent, dying, slow or broken: nothing is lost, nothing is doubled.

The server is a real one, over a real PostgreSQL where that is installed.
"""

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.tracking import experiments
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher, publish

from .records import artifacts, expected_finals, expected_points, only_run, points, runs, whole
from .servers import BadRoad, MlflowServer, free_port, postgres, postgres_binary
from .synthetic import Trial

MISSING = [
    *(name for name in ("initdb", "postgres") if postgres_binary(name) is None),
    *([] if importlib.util.find_spec("psycopg2") else ["psycopg2"]),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Not started yet."""
    folder = tmp_path_factory.mktemp("server")
    with contextlib.ExitStack() as stack:
        backend = f"sqlite:///{folder}/mlflow.db"
        if not MISSING:
            backend = stack.enter_context(postgres())
        server = MlflowServer(backend, folder)
        stack.callback(server.kill)
        yield server


@pytest.mark.system
def test_server_that_is_down_comes_dies_and_comes_back(
    server: MlflowServer, trial: Trial, about: ExperimentRecord
) -> None:
    publisher = Publisher(server.uri, "outage", about, pause=0)
    trial.points(1, 1)
    assert not publisher.send(trial.folder)
    assert server.uri in (publisher.problem or "")
    server.start()
    assert publisher.send(trial.folder), publisher.problem
    server.kill()
    trial.points(2, 3)
    assert not publisher.send(trial.folder)
    server.start()
    trial.points(4, 4).finish()
    assert publisher.send(trial.folder), publisher.problem
    finished = only_run(server.uri, "outage")
    assert finished.info.status == "FINISHED"
    assert points(server.uri, finished) == expected_points(trial) | expected_finals(trial)
    assert len(artifacts(server.uri, finished)) == 6 + 2 * trial.evaluations


def test_answers_lost_on_the_way_double_nothing(
    server: MlflowServer, trial: Trial, about: ExperimentRecord
) -> None:
    """Every write arrives and is reported as failed, as often as there are writes to repeat."""
    server.start()
    with BadRoad(server.uri) as road:
        publisher = Publisher(road.uri, "lost", about, pause=0)
        trial.points(1, 2)
        assert publisher.send(trial.folder), publisher.problem
        trial.points().finish()
        road.trouble = "answers lost"
        for _ in range(3):
            assert not publisher.send(trial.folder)
        road.trouble = "none"
        assert publisher.send(trial.folder), publisher.problem
    finished = only_run(server.uri, "lost")
    assert points(server.uri, finished) == expected_points(trial) | expected_finals(trial)
    assert len(artifacts(server.uri, finished)) == 6 + 2 * trial.evaluations


@pytest.mark.parametrize("trouble", ["500", "silent"])
def test_broken_and_slow_servers_are_given_up_quickly(
    trial: Trial, about: ExperimentRecord, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    trial.points(1, 1)
    with BadRoad() as road:
        road.trouble = trouble
        publisher = Publisher(road.uri, "quick", about, pause=3600)
        assert not publisher.send(trial.folder)
        assert publisher.reconcile(set()) == 0
        assert len(road.seen) == 1, "a failing server is not asked again at once"
    assert "Nothing is lost: fix the cause" in (publisher.problem or "")


def test_publish_names_a_server_that_is_down(trial: Trial, about: ExperimentRecord) -> None:
    experiments.write("quick", replace(about, keys=[trial.points(1, 1).key]))
    with pytest.raises(UserError, match=r"did not take the record .* run the same command again"):
        publish(f"http://127.0.0.1:{free_port()}")


@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_whole_experiments_are_copied_to_a_server_over_postgresql(
    server: MlflowServer, home: Path, uri: str, about: ExperimentRecord
) -> None:
    server.start()
    trials = [Trial(home, seed=seed).points().finish() for seed in range(2)]
    other = Trial(home, "mlp_bce").points(1, 2)
    unborn = Trial(home, "mlp_bce", seed=1)
    experiments.write("two", replace(about, keys=[trial.key for trial in trials]))
    experiments.write("one", replace(about, keys=[other.key, unborn.key]))
    local = Publisher(uri, "two", about)
    assert all(local.send(trial.folder) for trial in trials), local.problem
    said: list[str] = []
    for _ in range(2):  # the second time changes nothing
        assert publish(server.uri, live={other.key}, report=said.append) == 3
    assert said[:2] == [
        f"one: 1 of 2 trials are in {server.uri}.",
        f"two: 2 of 2 trials are in {server.uri}.",
    ]
    copied = {run.data.params["seed"]: run for run in runs(server.uri, "two")}
    assert len(copied) == 2
    for here in runs(uri, "two"):
        there = copied[here.data.params["seed"]]
        assert whole(trials[0], server.uri, there) == whole(trials[0], uri, here)
    (running,) = runs(server.uri, "one")
    assert running.info.status == "RUNNING"
    assert points(server.uri, running) == expected_points(other, 2)


def test_publish_of_nothing_is_said(home: Path) -> None:
    with pytest.raises(UserError, match="holds no experiment yet"):
        publish(f"http://127.0.0.1:{free_port()}")


def test_sending_again_costs_no_call_at_all(trial: Trial, about: ExperimentRecord) -> None:
    """What makes calling at every evaluation point cheap."""
    with BadRoad() as road:
        publisher = Publisher(road.uri, "quick", about, pause=0)
        assert publisher.send(trial.folder)
        assert road.seen == []
