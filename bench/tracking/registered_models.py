"""The best trial of each row of a table as a registered model, alias ``champion``.

    import mlflow, torch
    generator = mlflow.pytorch.load_model("models:/quick-wgan@champion")
    images = generator(torch.randn(16, 100))

The registry is one for the whole store, so a model's name carries its experiment: whoever reads the
row wgan in ``results/quick`` finds that very row's best generator as ``quick-wgan``, and no other
experiment can dethrone it. As in the table, only runs of the experiment's present protocol count.
An experiment with overrides (``quick@budget=6400``) is a try and registers nothing.

What is registered is the exported graph of the generator with its weights (torch.export): it loads
where neither ganbench nor the variant's file is installed. "Best" is by the images held out of
training, never by the reference that the table reports (a choice made on the reference would be
optimistic about it).
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.redaction import reason
from bench.tracking import mlflow_store, run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from torch import Tensor, nn

    Loader = Callable[[Path], tuple[nn.Module, Tensor]]

CHOSEN_BY = "final/fid_heldout"
ALIAS = "champion"


def register_best_models(
    uri: str, experiment: str, load: "Loader", report: Callable[[str], None] = lambda line: None
) -> dict[str, str]:
    """Register the best finished trial of each variant that is not registered yet.

    Args:
        uri: the tracking store.
        experiment: whose trials compete.
        load: from a folder with ``generator.safetensors`` and ``generator.json``, the generator and
            an example of its input, (N >= 2, ...) float32. It is given by the caller, because this
            room knows records, not networks.
        report: takes one line for each new champion, and one for each that cannot be registered,
            which does not keep the others from it.

    Returns:
        The name of each registered model to the run id of its champion.

    Raises:
        UserError: the experiment is not in the store.
    """
    if "@" in experiment:
        return {}
    client = mlflow_store.client(uri)
    found = mlflow_store.recorded(client, uri, experiment)
    done = run.search(client, found.experiment_id, "tags.`ganbench.status` = 'done'")
    protocol = found.tags.get("ganbench.protocol")
    best = _best(one for one in done if one.data.tags.get("ganbench.protocol") == protocol)
    crowned = {}
    for variant, champion in best.items():
        name = mlflow_store.safe_filename(f"{experiment}-{variant}")
        if _registered(client, name, champion, load, report):
            crowned[name] = champion.info.run_id
    return crowned


def _registered(
    client: "MlflowClient",
    name: str,
    champion: "Run",
    load: "Loader",
    report: Callable[[str], None],
) -> bool:
    """Whether the run is the model's champion now."""
    if _current(client, name) == champion.info.run_id:
        return True
    try:
        _register(client, name, champion, load)
    except Exception as error:  # a network that cannot be exported, and whatever MLflow lets out
        report(f"models:/{name}@{ALIAS} is not {champion.info.run_name} yet: {reason(error)}")
        return False
    report(f"models:/{name}@{ALIAS} is {_said(champion)}.")
    return True


def _said(champion: "Run") -> str:
    fid = champion.data.metrics[CHOSEN_BY]
    return f"{champion.info.run_name} (FID {fid:.4g} to the held-out images)"


def _best(runs: Iterator["Run"]) -> dict[str, "Run"]:
    """The run of each variant with the lowest distance to the held-out images."""
    ranked = sorted(
        (one for one in runs if CHOSEN_BY in one.data.metrics),
        key=lambda one: (-one.data.metrics[CHOSEN_BY], one.info.run_id),
    )
    return {one.data.params["variant"]: one for one in ranked}


def _current(client: "MlflowClient", name: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(name, ALIAS).run_id)
    except MlflowException:  # neither the model nor the alias exists
        return None


def _register(client: "MlflowClient", name: str, champion: "Run", load: "Loader") -> None:
    from mlflow.exceptions import MlflowException

    run_id, metrics = champion.info.run_id, champion.data.metrics
    tags = {
        "ganbench.key": champion.data.tags["ganbench.key"],
        "ganbench.protocol": champion.data.tags["ganbench.protocol"],
        "ganbench.fid_heldout": str(metrics[CHOSEN_BY]),
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = client.download_artifacts(run_id, "generator", scratch)
        path = Path(scratch) / "model"
        _export(load, Path(folder), path)
        model = client.create_logged_model(
            champion.info.experiment_id, name, run_id, tags, model_type="generator"
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
        name, source, run_id, tags, description=_said(champion), model_id=model.model_id
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
