"""What a store is read as: experiments with their runs, under the names of today."""

import pytest

import bench
from bench.errors import UserError
from bench.tracking import connection
from bench.tracking.publisher import Publisher
from bench.tracking.reading import RecordStore

from .records import only_run
from .synthetic import Trial


def test_curves_of_older_records_are_read_under_the_names_of_today(
    publisher: Publisher, trial: Trial, uri: str
) -> None:
    assert publisher.send(trial.points().finish().folder), publisher.problem
    client, run_id = connection.writer(uri), only_run(uri).info.run_id
    client.log_metric(run_id, "eval/witness_fid", 3.5, step=6400)
    client.log_metric(run_id, "eval/score", 8.0, step=6400)
    experiment = RecordStore(uri).experiment("quick")
    assert experiment is not None
    (run,) = experiment.runs
    assert (run.status, run.params["variant"]) == ("done", "wgan")
    assert (run.metrics["eval/fid_alt"], run.stored["eval/fid_alt"]) == (3.5, "eval/witness_fid")
    curves = bench.load_curves("quick", uri).set_index("metric")
    assert curves.loc["fid_alt", ["images", "value"]].tolist() == [6400, 3.5]
    assert curves.loc["inception_score", "value"] == 8.0
    assert curves.loc["fid", "value"].tolist() == [trial.fid(point) for point in range(1, 5)]


def test_reading_an_experiment_is_two_calls_however_many_runs_it_has(
    publisher: Publisher, trial: Trial, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [trial, *(Trial(trial.store, seed=seed) for seed in (1, 2))]
    assert all(publisher.send(item.points(1, 1).folder) for item in trials), publisher.problem
    store, calls = RecordStore(uri), list[str]()
    for name in ("get_experiment_by_name", "search_runs", "get_run", "search_experiments"):
        call = getattr(store._opened, name)
        monkeypatch.setattr(
            store._opened, name, lambda *a, n=name, c=call, **k: (calls.append(n), c(*a, **k))[1]
        )
    experiment = store.experiment("quick")
    assert experiment is not None
    assert [run.params["seed"] for run in experiment.runs] == ["0", "1", "2"]
    assert calls == ["get_experiment_by_name", "search_runs"]


def test_a_search_of_many_pages_is_read_whole(publisher: Publisher, uri: str) -> None:
    assert publisher.connect(), publisher.problem
    client = connection.writer(uri)
    experiment = connection.experiment_id(client, uri, "quick")
    runs = {client.create_run(experiment).info.run_id for _ in range(5)}
    pages = connection.every(client.search_runs, [experiment], max_results=2)
    assert {run.info.run_id for run in pages} == runs


def test_an_experiment_in_the_trash_is_none(publisher: Publisher, uri: str) -> None:
    assert publisher.connect(), publisher.problem
    store = RecordStore(uri)
    assert store.names() == ["quick"]
    client = connection.writer(uri)
    client.delete_experiment(connection.experiment_id(client, uri, "quick"))
    assert (store.experiment("quick"), store.names()) == (None, [])


def test_what_mlflow_raises_is_one_sentence_without_secrets() -> None:
    address = "http://me:s%40cret@host"
    with (
        pytest.raises(connection.StoreError, match=r"^The store http://host: no \*\*\* here\.$"),
        connection.explained(address, "The store {store}: {reason}."),
    ):
        raise ConnectionError("no s@cret\nhere")
    with (
        pytest.raises(UserError, match=r"^Said already\.$"),
        connection.explained(address, "{reason}"),
    ):
        raise UserError("Said already.")
