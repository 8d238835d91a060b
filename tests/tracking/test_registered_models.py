"""The best trial of each variant is a registered model that loads without ganbench."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow.pytorch
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.tracking import connection, registered_models
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.publisher import Publisher

from .records import runs
from .synthetic import Trial

# MLflow's model flavours and torch.export warn about their own insides.
pytestmark = pytest.mark.filterwarnings("ignore")


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh())


def load(folder: Path) -> tuple[nn.Module, Tensor]:
    assert (folder / "generator.json").exists()
    generator = network()
    generator.load_state_dict(safetensors.torch.load_file(folder / "generator.safetensors"))
    return generator, torch.zeros(2, 3)


def train(
    home: Path, seed: int, heldout: float, status: str = "done", **about: Any
) -> tuple[Trial, nn.Module]:
    """A finished trial with a network of its own; the lower FID has the higher held-out one."""
    trial = Trial(home, seed=seed, **about).points(1, 1)
    trial.events.metrics(0, {"final/fid_heldout": heldout})
    trial.events.metrics(0, {"final/fid_other": -heldout})
    trial.finish(status)
    (trial.folder / "generator.json").write_text(json.dumps(trial.identity))
    torch.manual_seed(seed)
    generator = network().eval()
    weights = safetensors.torch.save(generator.state_dict())
    (trial.folder / "generator.safetensors").write_bytes(weights)
    return trial, generator


def test_champion_is_chosen_on_heldout_images_and_loads_without_ganbench(
    publisher: Publisher, home: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = [train(home, 0, 5.0), train(home, 1, 3.0), train(home, 2, 1.0, status="diverged")]
    assert all(publisher.send(trial.folder) for trial, _ in trained), publisher.problem
    best = next(run for run in runs(uri) if run.data.params["seed"] == "1")
    for _ in range(2):  # doing it again registers nothing new
        assert registered_models.register_best_models(uri, "quick", load) == {
            "quick-wgan": best.info.run_id
        }
    client = connection.writer(uri)
    (version,) = client.search_model_versions("name = 'quick-wgan'")
    assert version.run_id == best.info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("bench", "tracking")]:
        monkeypatch.setitem(sys.modules, name, None)  # importing it would raise
    generator = mlflow.pytorch.load_model("models:/quick-wgan@champion")
    latent = torch.linspace(-1, 1, 21).view(7, 3)
    torch.testing.assert_close(generator(latent), trained[1][1](latent))
    assert client.get_run(best.info.run_id).info.status == "FINISHED"


def test_a_run_of_a_search_is_no_champion(home: Path, uri: str, about: ExperimentRecord) -> None:
    """Even where the budgets, and with them the protocols, are the same."""
    (final, _), (tried, _) = train(home, 0, 5.0), train(home, 1, 1.0)
    places = {final.folder.name: {"phase": "final"}, tried.folder.name: {"phase": "search"}}
    publisher = Publisher(uri, "quick", replace(about, places=places))
    assert all(publisher.send(trial.folder) for trial in (final, tried)), publisher.problem
    (best,) = registered_models.register_best_models(uri, "quick", load).values()
    assert connection.writer(uri).get_run(best).data.params["seed"] == "0"


def test_better_trial_becomes_the_champion(publisher: Publisher, home: Path, uri: str) -> None:
    for seed, heldout in enumerate((5.0, 3.0)):
        trial, _ = train(home, seed, heldout)
        assert publisher.send(trial.folder), publisher.problem
        registered_models.register_best_models(uri, "quick", load)
    client = connection.writer(uri)
    assert len(client.search_model_versions("name = 'quick-wgan'")) == 2
    champion = client.get_model_version_by_alias("quick-wgan", "champion").run_id
    assert client.get_run(champion).data.params["seed"] == "1"


def test_a_run_of_another_protocol_cannot_become_the_champion(
    publisher: Publisher, home: Path, uri: str
) -> None:
    """Its numbers are not comparable, and the table leaves it out too."""
    for seed, heldout, about in ((0, 5.0, {}), (1, 3.0, {"budget": 128_000})):
        trial, _ = train(home, seed, heldout, **about)
        assert publisher.send(trial.folder), publisher.problem
    registered_models.register_best_models(uri, "quick", load)
    champion = connection.writer(uri).get_model_version_by_alias("quick-wgan", "champion").run_id
    assert connection.writer(uri).get_run(str(champion)).data.params["seed"] == "0"


def test_two_experiments_have_a_champion_each_and_a_try_has_none(
    publisher: Publisher, about: ExperimentRecord, home: Path, uri: str
) -> None:
    trial, _ = train(home, 0, 5.0)
    for name in ("quick", "paper", "quick@budget=6400"):
        assert Publisher(uri, name, about, pause=0).send(trial.folder)
        registered_models.register_best_models(uri, name, load)
    names = [model.name for model in connection.writer(uri).search_registered_models()]
    assert sorted(names) == ["paper-wgan", "quick-wgan"]


def test_a_network_that_cannot_be_exported_is_reported_and_does_not_keep_the_others(
    publisher: Publisher, home: Path, uri: str
) -> None:
    for variant in ("wgan", "broken"):
        trial, _ = train(home, 0, 5.0, variant=variant)
        assert publisher.send(trial.folder), publisher.problem

    def only_wgan(folder: Path) -> tuple[nn.Module, Tensor]:
        if '"broken"' in (folder / "generator.json").read_text():
            raise RuntimeError("data-dependent\n control flow")
        return load(folder)

    lines: list[str] = []
    assert list(registered_models.register_best_models(uri, "quick", only_wgan, lines.append)) == [
        "quick-wgan"
    ]
    assert sorted(lines) == [
        "models:/quick-broken@champion is not set to broken seed 0: data-dependent control flow",
        "models:/quick-wgan@champion is wgan seed 0 (FID 5 to the held-out images).",
    ]


def test_unknown_experiment_is_said(uri: str) -> None:
    with pytest.raises(UserError, match=r"no experiment 'slow' in .*: run its file again"):
        registered_models.register_best_models(uri, "slow", load)
