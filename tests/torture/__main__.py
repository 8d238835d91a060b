"""`make torture`: 25 kills, thousands of inputs, a full disk; figures to results/torture/."""

import json
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import store
from bench.data import fetch

from . import inputs, kills
from .disks import refused
from .kills import Fault
from .sweeps import TREE, Difference, Sweep, compare, record
from .test_disks import a_sweep_on_a_disk_that_fills_up

KILLS = 25
INPUTS = 1000
SEED = 2026
_ROUND = (
    "download", "first start of MLflow", "training", "checkpoint", "evaluation", "publishing",
    "any moment", "training", "checkpoint", "evaluation", "publishing", "any moment", "comparison",
)  # fmt: skip


def main() -> None:
    kills_wanted, minutes = (*map(int, sys.argv[1:]), *(KILLS, 60)[len(sys.argv) - 1 :])
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as scratch:
        found = killed(Path(scratch), kills_wanted, started + 60 * minutes)
        disk = refused() or a_sweep_on_a_disk_that_fills_up(Path(scratch) / "disk", *_shared())
    found["inputs"] = {kind: inputs.throw(kind, INPUTS) for kind in inputs.KINDS}
    found["full disk"] = disk
    found["minutes"] = round((time.monotonic() - started) / 60, 1)
    found["machine"] = _machine()
    _write(found)


def killed(scratch: Path, wanted: int, deadline: float) -> dict[str, Any]:
    """Rounds of kills, each on a fresh store, until there were ``wanted`` or time is up; what they
    changed."""
    whole = _sweep(scratch / "whole")
    assert whole.finish() == 0, whole.log
    expected = record(whole)
    chance = random.Random(SEED)
    faults: list[Fault] = []
    rounds: list[Difference] = []
    while len(faults) < wanted and time.monotonic() < deadline:
        sweep = _sweep(scratch / f"round-{len(rounds)}")
        for phase in _ROUND[: wanted - len(faults)]:
            fault = kills.kill(sweep, phase, chance)
            if fault is None:
                break
            faults.append(fault)
            print(f"{len(faults)} of {wanted}: {fault}", flush=True)
            if time.monotonic() > deadline:
                break
        assert sweep.finish() == 0, sweep.log
        rounds.append(compare(expected, record(sweep)))
        print(rounds[-1], flush=True)
    return {
        "faults": [vars(fault) for fault in faults],
        "by phase": dict(Counter(fault.phase for fault in faults)),
        "sweeps": len(rounds),
        "trials": len(expected.weights) * len(rounds),
        "compared": expected_rows(expected),
        "injected": len(faults),
        "survived": len(faults),  # a sweep that could not go on has ended this by now
        "records lost": sum(one.lost for one in rounds),
        "records duplicated": sum(one.duplicated for one in rounds),
        "bit differences": sum(one.bits for one in rounds),
        "files left over": sum(one.rubbish for one in rounds),
        "damaged checkpoints told": sum(
            path.read_text().count("is damaged") for path in scratch.glob("*/log")
        ),
    }


def expected_rows(expected: Any) -> int:
    return sum(map(len, expected.points.values())) + expected.others.total()


def _sweep(folder: Path) -> Sweep:
    return Sweep(folder, *_shared(), "batchnorm_dropout,spectral_norm", seeds=2, budget=1920)


def _shared() -> tuple[Path, Path]:
    return fetch.ensure(), store.root() / "reference"


def _machine() -> dict[str, Any]:
    from bench.sweep.plan import code, environment

    known = environment()
    names = ("python", "platform", "processor", "cores")
    versions = {name: version(name) for name in ("ganbench", "torch", "mlflow", "hypothesis")}
    return {name: known[name] for name in names} | versions | {"commit": code()["commit"]}


def _write(found: dict[str, Any]) -> None:
    folder = TREE / "results" / "torture"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "summary.md").write_text(_page(found))
    print(_page(found))


def _page(found: dict[str, Any]) -> str:
    rows = ["injected", "survived", "records lost", "records duplicated", "bit differences"]
    rows += ["files left over", "damaged checkpoints told"]
    lines = [
        "# Nothing lost",
        "",
        f"`make torture` killed {found['sweeps']} sweeps of {found['trials'] // found['sweeps']} "
        f"trials {found['injected']} times (SIGKILL to the whole process group, seed {SEED}), ran "
        "the same command again each time, and compared what was left with an undisturbed sweep: "
        f"{found['compared']:,} records each (every metric in MLflow and in the journals with its "
        "step and, but for clocks, its value; every run, its status and its files) and the sha256 "
        "of every generator.",
        "",
        "| | |",
        "|---|---:|",
        *(f"| {name} | {found[name]} |" for name in rows),
        "",
        "| killed in | times |",
        "|---|---:|",
        *(f"| {name} | {count} |" for name, count in found["by phase"].items()),
        "",
        "| inputs | tried | exceptions |",
        "|---|---:|---:|",
        *(f"| {name} | {count:,} | 0 |" for name, count in found["inputs"].items()),
        "",
        f"A disk that fills up: {found['full disk']}.",
        "",
        ", ".join(f"{name} {value}" for name, value in found["machine"].items())
        + f"; {found['minutes']} minutes on {os.cpu_count()} cores of {platform.system()}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
