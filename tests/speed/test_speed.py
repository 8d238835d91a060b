"""What `ganbench speed` measures, on a small scale, and how it is written down."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import UserError
from bench.speed import measurement, tutorial
from bench.speed import report as reports
from bench.speed.report import TITLES, Report
from bench.training import runtime, step
from bench.trials import experiment as experiments
from bench.trials.experiment import Experiment
from bench.variants import GAN, registry


@pytest.fixture
def small(own_store: Path) -> Experiment:
    return experiments.load("quick", ["samples=100", "budget=6400"])


def speed(variant: str) -> dict[str, Any]:
    ratio = measurement.spread([0.25, 0.75, 0.5])
    bf16 = {} if variant == "wgan" else {"bf16": None}
    return {"variant": variant, **dict.fromkeys(TITLES, ratio), **bf16, "gflop": 1.85}


@pytest.fixture
def report() -> Report:
    environment = {
        "processor": "Some (R) CPU @ 3 GHz", "cores": 2, "python": "3.11.7",
        "packages": {"torch": "2.15.0"},
    }  # fmt: skip
    start = measurement.spread([0.2, 0.25, 0.3])
    return {
        "experiment": "quick", "environment": environment, "gpu": None,
        "code": {"commit": "c0ffee"}, "width": 2, "rounds": 5, "seconds": 3.0,
        "variants": [speed("mlp_bce"), speed("wgan")], "mirroring": 0.4,
        "help": start, "dry_run": start,
    }  # fmt: skip


@pytest.mark.system
def test_every_figure_is_measured(small: Experiment) -> None:
    spreads = measurement.measure(small.trials()[0], width=1, rounds=2, seconds=0.2)
    assert spreads.pop("variant") == small.trials()[0].variant
    assert spreads.pop("gflop") > 0
    assert (spreads.pop("bf16") is not None) == runtime.available("bf16")
    assert spreads.keys() == TITLES.keys() - {"bf16", "gflop"}
    for name, spread in spreads.items():
        assert 0 < spread["lowest"] <= spread["median"] <= spread["highest"], name
    machine, tutorial = spreads["machine"], spreads["tutorial"]
    assert spreads["gain"]["highest"] <= machine["highest"] / tutorial["lowest"]
    assert spreads["end"]["median"] > spreads["point"]["median"]
    assert spreads["share"]["median"] < 1


def test_the_operations_of_a_step(small: Experiment) -> None:
    """The networks' multiplications: forward and two backward products, less what needs none."""
    by_name = {trial.variant: measurement.flop(trial) for trial in small.trials()}
    d_maps, g_maps = (784 * 512, 512 * 256, 256), (100 * 256, 256 * 512, 512 * 784)
    d_step = 64 * sum(g_maps) + 128 * (3 * sum(d_maps) - d_maps[0])
    g_step = 64 * (2 * sum(d_maps) + 2 * sum(g_maps) - g_maps[0])
    assert by_name["mlp_bce"] == 2 * (d_step + g_step)
    assert by_name["batchnorm_dropout"] > by_name["wgan"] > by_name["mlp_bce"]


def test_a_variant_without_a_tutorial() -> None:
    class Other(GAN):
        generator = discriminator = d_loss = g_loss = optimizer = None  # type: ignore[assignment]

        def __init__(self) -> None: ...

    with pytest.raises(UserError, match="No tutorial's loop is known for Other"):
        tutorial.step_of(Other())


def test_every_variant_of_the_repository_has_one() -> None:
    for name in ("mlp_bce", "batchnorm_dropout", "wgan", "spectral_norm"):
        tutorial.step_of(registry.create(name, registry.configure(name, {}), (1, 28, 28), 10))  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_every_figure_is_measured_on_a_gpu(own_store: Path) -> None:
    small = experiments.load("quick", ["samples=100", "budget=6400", "device=cuda"])
    spreads = measurement.measure(small.trials()[0], width=4, rounds=1, seconds=0.2)
    assert spreads["machine"]["median"] > spreads["alone"]["median"] > 0
    assert 0 < spreads["roofline"]["median"] < 1


def test_several_trials_of_a_process_count_each(small: Experiment) -> None:
    done: list[int] = []
    trial = small.trials()[3]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step.EagerStep, "__call__", lambda self, index: done.append(index))
        work, counts = measurement.prepare("trial", trial, 3)
        work()
        work()
    assert counts == 3
    assert done == [0, 0, 0, 1, 1, 1]


def test_processes_work_side_by_side_on_command(small: Experiment) -> None:
    with measurement.workers(2) as processes:
        assert measurement.rate(processes, "sgemm", 0, small.trials()[0], 1) > 0


@pytest.mark.system
def test_what_surrounds_the_training(small: Experiment) -> None:
    assert reports.mirroring("quick") > 0
    assert reports.starting("--help") > 0


def test_the_table_says_what_and_where(report: Report) -> None:
    text = reports.markdown(report)
    assert "**2 cores of Some (R) CPU @ 3 GHz, torch 2.15.0, Python 3.11.7**" in text
    assert "| side by side / tutorials' loop | 0.5 [0.25–0.75] | 0.5 [0.25–0.75] |" in text
    assert "| side by side in bf16 / in fp32 | – | 0.5 [0.25–0.75] |" in text
    assert "| matrix products a step [GFLOP] | 1.85 | 1.85 |" in text
    assert "| share of that peak [%] | 50 [25–75] | 50 [25–75] |" in text
    assert "Medians over 5 rounds" in text
    assert "`ganbench --help` answered in 0.25 [0.2–0.3] s" in text


def test_a_gpu_is_the_machine(report: Report, tmp_path: Path) -> None:
    on_gpu = report | {"gpu": "NVIDIA H100 80GB HBM3", "width": 16}
    path = reports.save(on_gpu, tmp_path)
    assert path.name == "nvidia-h100-80gb-hbm3.md"
    assert "**NVIDIA H100 80GB HBM3 next to 2 cores of Some (R)" in path.read_text()
    assert "Side by side: 16 trials on streams of one GPU." in path.read_text()


def test_it_is_kept_by_machine(report: Report, tmp_path: Path) -> None:
    path = reports.save(report, tmp_path)
    assert path.name == "some-r-cpu-3-ghz-2-cores.md"
    assert path.read_text() == reports.markdown(report)
    kept = json.loads(path.with_suffix(".json").read_text())
    assert kept["variants"][1]["variant"] == "wgan"
    assert kept["variants"][0]["gain"] == {"median": 0.5, "lowest": 0.25, "highest": 0.75}
    assert kept["variants"][0]["bf16"] is None
    assert kept["variants"][0].keys() == {"variant", *TITLES}
    assert kept["code"] == {"commit": "c0ffee"}
