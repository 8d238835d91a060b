"""A loop of two processes, as Lightning runs it: each has samples, the numbers are of all."""

import json
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as multiprocessing
from torch import distributed

from bench.evaluation import Evaluator
from bench.variants import registry

SHAPES = Path(__file__).parent.parent / "datasets" / "examples" / "shapes.py"
SAMPLES = 200


def _evaluator() -> Evaluator:
    registry.load_plugin(SHAPES)
    return Evaluator.load("shapes", final=True)


def _generated() -> torch.Tensor:
    """(200, 1, 8, 8) in [-1, 1]."""
    return 2 * torch.rand(SAMPLES, 1, 8, 8, generator=torch.Generator().manual_seed(0)) - 1


def _loop(rank: int, folder: Path) -> None:
    """Two epochs; the numbers of the second one are written, next to those of one process."""
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    evaluator = _evaluator()
    evaluator.update(_generated()[:50])
    evaluator.compute()
    evaluator.reset()
    for part in _generated().chunk(2)[rank].split(30):
        evaluator.update(part)
    numbers = evaluator.compute()
    with evaluator.sync_context():
        numbers["n"] = len(evaluator.statistics())
    distributed.destroy_process_group()
    alone = _evaluator()
    alone.update(_generated())
    (folder / f"{rank}.json").write_text(json.dumps([numbers, alone.compute()]))


def test_two_processes_get_the_numbers_of_all_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path / "store"))
    multiprocessing.spawn(_loop, (tmp_path,), nprocs=2)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    numbers, whole = first
    assert numbers.pop("n") == SAMPLES
    assert numbers == pytest.approx(whole, rel=1e-9)
    assert {"fid", "kid", "recall", "digit_share/3"} <= whole.keys()
