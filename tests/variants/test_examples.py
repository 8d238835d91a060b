"""What the examples leave behind loads from MLflow's format where ganbench is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench import seeding
from bench.tracking.registered_models import _export
from bench.training import generator
from bench.trials import Trial
from bench.variants import registry

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))
LOADS = """
import sys
sys.modules["bench"] = None
import mlflow, torch
for folder in sys.argv[1:]:
    model = mlflow.pytorch.load_model(folder + "/model")
    given = torch.load(folder + "/given.pt")
    torch.testing.assert_close(model(given["inputs"]), given["samples"])
    print(folder)
"""


@pytest.mark.filterwarnings("ignore")  # of MLflow and torch.export
def test_registered_generators_load_without_ganbench(tmp_path: Path) -> None:
    folders = []
    for example in EXAMPLES:
        name = example.stem
        if name not in registry.names():  # as the laws may have loaded it before
            path = tmp_path / example.name
            path.write_text(example.read_text())
            assert registry.load_plugin(path) == [name]
        trial = Trial(name, registry.configure(name, {}), 3, 640, {"batch": 64})
        trained, folder = generator.build(trial), tmp_path / name
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
