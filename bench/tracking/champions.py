"""The best trial of each variant as a registered model, alias ``champion``.

    import mlflow, torch
    generator = mlflow.pytorch.load_model("models:/wgan@champion")
    images = generator(torch.randn(16, 100))

What is registered is the exported graph of the generator with its weights (torch.export): it loads
where neither ganbench nor the variant's file is installed. "Best" is by the images held out of
training, never by the reference that the table reports (a choice made on the reference would be
optimistic about it).
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.tracking import run, store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from torch import Tensor, nn

    Loader = Callable[[Path], tuple[nn.Module, Tensor]]

CHOSEN_BY = "final/fid_heldout"
ALIAS = "champion"


def crown(uri: str, experiment: str, load: "Loader") -> dict[str, str]:
    """Register the best finished trial of each variant that is not registered yet.

    Args:
        load: from a folder with ``generator.safetensors`` and ``generator.json``, the generator and
            an example of its input, (N >= 2, ...) float32. It is given by the caller, because this
            room knows records, not networks.

    Returns:
        Variant to the run id of its champion.

    Raises:
        UserError: the experiment is not in the store.
    """
    client = store.client(uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        raise UserError(
            f"There is no experiment '{experiment}' in {store.shown(uri)}: run it first with "
            f"`ganbench run {experiment}`."
        )
    best = _best(run.search(client, found.experiment_id, "tags.`ganbench.status` = 'done'"))
    for variant, champion in best.items():
        if _reigning(client, variant) != champion.info.run_id:
            _register(client, variant, champion, load)
    return {variant: champion.info.run_id for variant, champion in best.items()}


def _best(runs: Iterator["Run"]) -> dict[str, "Run"]:
    """The run of each variant with the lowest distance to the held-out images."""
    ranked = sorted(
        (one for one in runs if CHOSEN_BY in one.data.metrics),
        key=lambda one: (-one.data.metrics[CHOSEN_BY], one.info.run_id),
    )
    return {one.data.params["variant"]: one for one in ranked}


def _reigning(client: "MlflowClient", variant: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(variant, ALIAS).run_id)
    except MlflowException:  # neither the model nor the alias exists
        return None


def _register(client: "MlflowClient", variant: str, champion: "Run", load: "Loader") -> None:
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
            champion.info.experiment_id, variant, run_id, tags, model_type="generator"
        )
        client.log_model_artifacts(model.model_id, str(path))
    client.finalize_logged_model(model.model_id, "READY")
    try:
        client.create_registered_model(variant)
    except MlflowException:  # registered before, or at this moment
        client.get_registered_model(variant)
    note = f"{champion.info.run_name}, {CHOSEN_BY} {metrics[CHOSEN_BY]:.4g}"
    # The place itself: "models:/<id>" would be looked up in the process-wide tracking store.
    source = model.artifact_location
    version = client.create_model_version(
        variant, source, run_id, tags, description=note, model_id=model.model_id
    )
    client.set_registered_model_alias(variant, ALIAS, version.version)


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
