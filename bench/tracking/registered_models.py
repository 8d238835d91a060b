"""The best trial of each row of a table as a registered model, alias ``champion``.

    import mlflow, torch
    generator = mlflow.pytorch.load_model("models:/quick-wgan@champion")
    images = generator(torch.randn(16, 100))

The registry is one for the whole store, so a model's name carries its experiment. As in the table,
only runs of the experiment's present protocol count, and none of a search. An experiment with
overrides (``quick@budget=6400``) is a try and registers nothing.

What is registered is the exported graph of the generator with its weights (torch.export): it loads
where neither ganbench nor the variant's file is installed. "Best" is by the images held out of
training, never by the reference that the table reports, on which a choice would be biased.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench import paths
from bench.redaction import reason
from bench.tracking import connection
from bench.tracking.connection import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from torch import Tensor, nn

    Loader = Callable[[Path], tuple[nn.Module, Tensor]]

CHOSEN_BY = "final/fid_heldout"
ALIAS = "champion"


def register_best_models(
    uri: str, experiment: str, load: "Loader", report: Callable[[str], None] = lambda line: None
) -> dict[str, str]:
    """Register the best finished trial of each variant that is not registered yet.

    Args:
        load: from a folder with ``generator.safetensors`` and ``generator.json``, the generator and
            an example of its input, (N >= 2, ...) float32: this room knows records, not networks.
        report: takes one line for each newly registered trial, and one for each that cannot be
            registered, which does not keep the others from it.

    Returns:
        The name of each registered model to the run id of its best trial.

    Raises:
        UserError: the experiment is not in the store.
    """
    if "@" in experiment:
        return {}
    client = connection.writer(uri)
    entry = connection.recorded(client, uri, experiment)
    registered = {}
    for variant, best in _best(client, entry.experiment_id, entry.tags).items():
        name = paths.safe_filename(f"{experiment}-{variant}")
        if _current(client, name) != best.run_id:
            try:
                _register(client, name, best, entry.experiment_id, load)
            except Exception as error:  # of an export that fails, and whatever MLflow lets out
                report(f"models:/{name}@{ALIAS} is not set to {best.name}: {reason(error)}")
                continue
            report(f"models:/{name}@{ALIAS} is {_described(best)}.")
        registered[name] = best.run_id
    return registered


def _best(client: "MlflowClient", experiment_id: str, tags: dict[str, str]) -> dict[str, Run]:
    """The run of each variant with the lowest distance to the held-out images."""
    condition, protocol = "tags.`ganbench.status` = 'done'", tags.get("ganbench.protocol")
    runs = [
        run
        for run in connection.runs(client, experiment_id, condition)
        if CHOSEN_BY in run.metrics
        and run.params.get("phase") != "search"
        and run.tags.get("ganbench.protocol") == protocol
    ]
    ranked = sorted(runs, key=lambda run: (-run.metrics[CHOSEN_BY], run.run_id))
    return {run.params["variant"]: run for run in ranked}


def _current(client: "MlflowClient", name: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(name, ALIAS).run_id)
    except MlflowException:  # neither the model nor the alias exists
        return None


def _described(best: Run) -> str:
    return f"{best.name} (FID {best.metrics[CHOSEN_BY]:.4g} to the held-out images)"


def _register(
    client: "MlflowClient", name: str, best: Run, experiment_id: str, load: "Loader"
) -> None:
    from mlflow.exceptions import MlflowException

    run_id = best.run_id
    tags = {mark: best.tags[mark] for mark in ("ganbench.key", "ganbench.protocol")}
    tags["ganbench.fid_heldout"] = str(best.metrics[CHOSEN_BY])
    with tempfile.TemporaryDirectory() as scratch:
        folder = client.download_artifacts(run_id, "generator", scratch)
        path = Path(scratch) / "model"
        _export(load, Path(folder), path)
        model = client.create_logged_model(
            experiment_id, name, run_id, tags, model_type="generator"
        )
        client.log_model_artifacts(model.model_id, str(path))
    client.finalize_logged_model(model.model_id, "READY")
    try:
        client.create_registered_model(name)
    except MlflowException:  # registered before, or at this moment
        client.get_registered_model(name)
    # The place itself: "models:/<id>" would be looked up in the process-wide tracking store.
    source = model.artifact_location
    version = client.create_model_version(
        name, source, run_id, tags, description=_described(best), model_id=model.model_id
    )
    client.set_registered_model_alias(name, ALIAS, version.version)


def _export(load: "Loader", folder: Path, path: Path) -> None:
    """Save the generator of ``folder`` as MLflow's model folder ``path``."""
    import mlflow.pytorch
    import torch
    from mlflow.models import infer_signature

    generator, example = load(folder)
    generator.eval()
    with torch.no_grad():
        images = generator(example)
    mlflow.pytorch.save_model(
        generator,
        path,
        signature=infer_signature(example.numpy(), images.numpy()),
        input_example=example.numpy(),
        serialization_format="pt2",
        # Stated, since MLflow would otherwise load the model in a new process to find out.
        pip_requirements=[f"torch=={torch.__version__.partition('+')[0]}"],
    )
