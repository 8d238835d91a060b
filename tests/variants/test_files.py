"""A variant is one short file, wherever it lies, and its generator loads without ganbench."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import seeding
from bench.tracking.registered_models import _export
from bench.training import generator
from bench.trials import Trial
from bench.variants import registry

FOLDER = Path(registry.__file__).parent
LOADS = """
import sys
sys.modules["bench"] = None
import mlflow, torch
for folder in sys.argv[1:]:
    model = mlflow.pytorch.load_model(folder + "/model")
    given = torch.load(folder + "/given.pt")
    torch.testing.assert_close(model(given["inputs"]), given["samples"], rtol=1e-4, atol=1e-5)
    print(folder)
"""
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("nonsaturating", {"ema": 0.9}),
    ("nonsaturating", {"network": "conv"}),
    ("cgan", {}),
    ("projection", {"network": "conv"}),
    ("vae", {}),
    ("flow_matching", {"width": 32}),
]


@pytest.mark.parametrize("name", registry.names())
def test_a_variant_is_a_short_file_that_works_anywhere(name: str, tmp_path: Path) -> None:
    """Under another name, because its own is taken."""
    text = registry.source(name).read_text()
    assert len(text.splitlines()) <= (36 if registry.get(name).idea == "tutorial" else 30)
    path = tmp_path / f"{name}_again.py"
    path.write_text(text.replace(f'@register("{name}")', f'@register("{name}_again")'))
    assert registry.load_plugin(path) == [f"{name}_again"]
    assert registry.configure(f"{name}_again", {}) == registry.configure(name, {})


def table() -> str:
    """The README's table, from what the files say of themselves."""
    rows = [
        f"| {d.idea} | {d.paper} | {d.year} | {d.change} | "
        f"[{d.name}](bench/variants/{registry.source(d.name).name}) |"
        for d in registry.descriptions()
        if registry.source(d.name).parent == FOLDER
    ]
    heads = ["| idea | paper | year | what it changes | file |", "|---|---|--:|---|---|"]
    return "\n".join([*heads, *rows])


def test_the_readme_has_a_table_of_the_variants() -> None:
    assert table() in (FOLDER.parent.parent / "README.md").read_text()


@pytest.mark.parametrize("name", registry.names())
def test_a_variant_says_its_idea_and_its_paper(name: str) -> None:
    (description,) = (d for d in registry.descriptions() if d.name == name)
    assert description.idea != "own"
    assert description.paper is not None
    assert description.paper.endswith(str(description.year))
    assert len(description.change) <= 75


@pytest.mark.filterwarnings("ignore")  # of MLflow and torch.export
def test_registered_generators_load_without_ganbench(tmp_path: Path) -> None:
    folders = []
    for place, (name, settings) in enumerate(KINDS):
        trial = Trial(name, registry.configure(name, settings), 3, 640, {"batch": 64})
        trained, folder = generator.build(trial), tmp_path / str(place)
        folder.mkdir()
        with torch.no_grad():
            for weight in trained.sampler.parameters():
                weight.mul_(1.5)
        generator.save(folder, trained, trial, 640)
        _, inputs = generator.load(folder)
        samples = trained.sample(2, seeding.generator("evaluation", 3))
        torch.save({"inputs": inputs, "samples": samples}, folder / "given.pt")
        _export(generator.load, folder, folder / "model")
        folders.append(str(folder))
    done = subprocess.run(
        [sys.executable, "-c", LOADS, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == folders
