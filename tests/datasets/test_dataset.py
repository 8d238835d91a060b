"""Data sets by name: the folder's, a plug-in file's and an installed package's."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bench import datasets, registry
from bench.datasets import dataset
from bench.errors import UserError
from bench.trials import Trial
from bench.trials import experiment as experiments
from bench.variants import registry as variants

PLUGIN = '''
"""A data set of one file."""
import torch
from bench.datasets import Dataset, Samples, register

@register("{name}")
class Line(Dataset):
    """Points on a line."""
    shape = (2,)

    def split(self, name):
        return Samples(torch.full((100, 2), {value}), None)

    def encode(self, stored):
        return stored

    decode = encode

    def evaluator(self):
        from types import SimpleNamespace
        return SimpleNamespace(id="line-1")

    def draw(self, samples, path):
        path.touch()
'''


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.names()
    monkeypatch.setattr(dataset._DATASETS, "_things", dict(dataset._DATASETS._things))


def plugin(folder: Path, name: str, value: float = 0.5) -> Path:
    path = folder / f"{name}.py"
    path.write_text(PLUGIN.format(name=name, value=value))
    return path


def test_mnist_is_there_and_says_what_it_is() -> None:
    mnist = datasets.get("mnist")
    assert "mnist" in datasets.names()
    assert (mnist.shape, mnist.classes) == ((1, 28, 28), 10)
    assert mnist.summary.startswith("Handwritten digits")


def test_did_you_mean() -> None:
    with pytest.raises(UserError, match="no data set 'mnst': did you mean 'mnist'?"):
        datasets.get("mnst")


def test_a_plug_in_may_register_a_data_set_only(tmp_path: Path) -> None:
    assert variants.load_plugin(plugin(tmp_path, "line")) == []
    line = datasets.get("line")
    assert (line.name, line.shape, line.classes) == ("line", (2,), 0)
    assert line.ensure() == "It is made without any file."


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    digests = []
    for value in (0.5, 0.25, 0.5):
        variants.load_plugin(plugin(tmp_path, "line", value))
        digests.append(datasets.get("line").digest)
    assert digests[0] == digests[2] != digests[1]


def test_two_files_cannot_share_a_name(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    variants.load_plugin(plugin(tmp_path, "line"))
    with pytest.raises(UserError, match=r"name 'line' in .*other.* is already taken by"):
        variants.load_plugin(plugin(other, "line"))


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", 3])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(UserError, match="cannot name a data set"):
        datasets.register(name)(type("Own", (type(datasets.get("mnist")),), {}))


def test_an_entry_point_is_loaded_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Iterator[None]:
        raise ImportError("no module named torchless")

    entry = SimpleNamespace(value="others.data", load=fails)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    with pytest.raises(
        UserError, match=r"package others.data failed to load \(ImportError: no module"
    ):
        datasets.names()


def test_labels_go_with_their_samples() -> None:
    chosen = datasets.Samples(torch.arange(8).view(4, 2), torch.arange(4)).select(
        torch.tensor([2, 0])
    )
    assert chosen.values.tolist() == [[4, 5], [0, 1]]
    assert chosen.labels is not None
    assert chosen.labels.tolist() == [2, 0]
    assert datasets.Samples(torch.zeros(3, 2)).select(torch.tensor([1])).labels is None


class TestIdentity:
    """Where name and digest of a trial's data set are stored."""

    def test_mnist_has_no_name_in_it(self) -> None:
        trial = Trial("wgan", {}, 0, 640, {})
        assert trial.identity["dataset"] == datasets.get("mnist").digest
        assert "dataset_name" not in trial.identity

    def test_another_data_set_is_another_trial(self, tmp_path: Path) -> None:
        variants.load_plugin(plugin(tmp_path, "line"))
        line, mnist = (Trial("wgan", {}, 0, 640, {}, name) for name in ("line", "mnist"))
        assert line.identity["dataset_name"] == "line"
        assert line.evaluator == "line-1"
        assert line.key != mnist.key
        assert line.protocol_id != mnist.protocol_id
        assert Trial.from_identity(line.identity) == line

    def test_a_stored_trial_is_read_without_its_data_set(self) -> None:
        stored = Trial("wgan", {}, 0, 640, {}, "gone", "digest", "evaluator")
        assert Trial.from_identity(stored.identity) == stored


def test_the_key_of_an_experiment(tmp_path: Path) -> None:
    variants.load_plugin(plugin(tmp_path, "line"))
    path = tmp_path / "mine.toml"
    path.write_text('variants = ["wgan"]\nseeds = 1\nbudget = 640\ndataset = "line"\n')
    (trial,) = experiments.load(str(path)).trials()
    assert trial.dataset == "line"
    assert trial.protocol["train"] == "train"
    (usual,) = experiments.load(str(path), ["dataset=mnist"]).trials()
    assert usual.protocol["train"] == "train[:50000]"
    with pytest.raises(UserError, match="no data set 'lin': did you mean 'line'?"):
        experiments.load(str(path), ["dataset=lin"]).trials()


def test_a_file_cannot_use_a_name_twice(tmp_path: Path) -> None:
    path = plugin(tmp_path, "line")
    path.write_text(path.read_text() + '\n\n@register("line")\nclass Again(Line): ...\n')
    with pytest.raises(UserError, match="'line' in .*line.py is already taken by .*line.py"):
        variants.load_plugin(path)
