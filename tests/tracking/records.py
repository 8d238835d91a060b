"""What MLflow holds, in a form that two records can be compared in."""

from typing import Any

from mlflow.entities import Run

from bench.tracking import connection

from .synthetic import Trial


def runs(uri: str, experiment: str = "quick") -> list[Run]:
    client = connection.writer(uri)
    entry = client.get_experiment_by_name(experiment)
    assert entry is not None
    return list(client.search_runs([entry.experiment_id]))


def only_run(uri: str, experiment: str = "quick") -> Run:
    (run,) = runs(uri, experiment)
    return run


def points(uri: str, run: Run) -> dict[str, list[tuple[int, float]]]:
    """Metric to its points (step, value), every stored row counted."""
    client = connection.writer(uri)
    return {
        name: sorted((p.step, p.value) for p in client.get_metric_history(run.info.run_id, name))
        for name in run.data.metrics
    }


def artifacts(uri: str, run: Run) -> list[str]:
    """Every file of a run, in folders too."""
    client = connection.writer(uri)

    def walk(folder: str | None) -> list[str]:
        listed = client.list_artifacts(run.info.run_id, folder)
        deeper = [name for entry in listed if entry.is_dir for name in walk(entry.path)]
        return [entry.path for entry in listed if not entry.is_dir] + deeper

    return sorted(walk(None))


def expected_points(trial: Trial, last: int = 4) -> dict[str, list[tuple[int, float]]]:
    """What `Trial.points` up to ``last`` leaves in MLflow."""
    steps = {trial.budget * k // trial.evaluations: k for k in range(1, last + 1)}
    return {
        "train/loss_d": [(step, 1.0 / k) for step, k in steps.items()],
        "train/loss_g": [(step, k / 2) for step, k in steps.items()],
        "eval/fid": [(step, trial.fid(k)) for step, k in steps.items()],
        "eval/modes": [(step, 10.0) for step in steps],
    }


def expected_finals(trial: Trial) -> dict[str, list[tuple[int, float]]]:
    return {"final/fid": [(0, trial.fid(4))], "final/modes": [(0, 10.0)]}


def whole(trial: Trial, uri: str, run: Run) -> dict[str, Any]:
    """Everything of a finished run that must be the same in every store."""
    return {
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "points": points(uri, run),
        "params": run.data.params,
        "tags": run.data.tags,
        "inputs": sorted((d.dataset.name, d.dataset.digest) for d in run.inputs.dataset_inputs),
        "artifacts": artifacts(uri, run),
    }
