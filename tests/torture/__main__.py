"""`make torture`: 25 kills, thousands of inputs, a full disk; figures to results/torture/."""

import json
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import paths
from bench.datasets import mnist

from . import inputs, kills
from .disks import refused
from .kills import ANY, Fault
from .sweeps import Difference, Record, Sweep, compare, record
from .test_disks import a_sweep_on_a_disk_that_fills_up
from .zygote import TREE, Zygote, zygote

KILLS = 25
INPUTS = 1000
SEED = 2026
_ROUND = (
    "download", "first start of MLflow", "evaluation", "publishing", "checkpoint", "training",
    "publishing", "training", "checkpoint", "evaluation", ANY, "evaluation", "comparison",
)  # fmt: skip


@dataclass
class Tally:
    """The figures so far; `write` may be called at any time."""

    expected: Record
    faults: list[Fault] = field(default_factory=list)
    rounds: list[Difference] = field(default_factory=list)
    survived: int = 0
    rest: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def figures(self) -> dict[str, Any]:
        return {
            "finished": "machine" in self.rest,
            "injected": len(self.faults),
            "survived": self.survived,
            "records lost": sum(one.lost for one in self.rounds),
            "records duplicated": sum(one.duplicated for one in self.rounds),
            "bit differences": sum(one.bits for one in self.rounds),
            "files left over": sum(one.rubbish for one in self.rounds),
            "by phase": dict(Counter(fault.phase for fault in self.faults)),
            "sweeps": len(self.rounds),
            "trials": len(self.expected.weights),
            "compared": sum(map(len, self.expected.points.values())) + self.expected.others.total(),
            "minutes": round((time.monotonic() - self.started) / 60, 1),
            **self.rest,
            "faults": [vars(fault) for fault in self.faults],
        }

    def write(self) -> None:
        folder = TREE / "results" / "torture"
        folder.mkdir(parents=True, exist_ok=True)
        figures = self.figures()
        (folder / "summary.json").write_text(json.dumps(figures, indent=1) + "\n")
        (folder / "summary.md").write_text(_page(figures))


def main() -> None:
    wanted, minutes = (*map(int, sys.argv[1:]), *(KILLS, 60)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory(prefix="torture-") as scratch, zygote() as start:
        whole = _sweep(start, Path(scratch) / "whole")
        assert whole.finish() == 0, whole.log
        tally = Tally(record(whole))
        kill(start, Path(scratch), wanted, 60 * minutes, tally)
        full = refused() or a_sweep_on_a_disk_that_fills_up(
            start, Path(scratch) / "disk", *_shared()
        )
    tally.rest["full disk"] = full
    tally.rest["inputs"] = {kind: inputs.throw(kind, INPUTS) for kind in inputs.KINDS}
    tally.rest["machine"] = _machine()
    tally.write()
    print(_page(tally.figures()))


def kill(start: Zygote, scratch: Path, wanted: int, seconds: float, tally: Tally) -> None:
    """Rounds of kills, each on a fresh store, until there were ``wanted`` or time is up."""
    chance = random.Random(SEED)
    while len(tally.faults) < wanted and time.monotonic() < tally.started + seconds:
        sweep = _sweep(start, scratch / f"round-{len(tally.rounds)}")
        for phase in _ROUND[: wanted - len(tally.faults)]:
            fault = kills.kill(sweep, phase, chance)
            if fault is None:
                break
            tally.faults.append(fault)
            print(f"{len(tally.faults)} of {wanted}: {fault}", flush=True)
            tally.write()
        assert sweep.finish() == 0, sweep.log
        tally.rounds.append(compare(tally.expected, record(sweep)))
        tally.survived = len(tally.faults)
        tally.write()
        print(tally.rounds[-1], flush=True)


def _sweep(start: Zygote, folder: Path) -> Sweep:
    variants = "batchnorm_dropout,spectral_norm"
    return Sweep(start, folder, *_shared(), variants, seeds=2, budget=1920)


def _shared() -> tuple[Path, Path]:
    mnist.FILES.ensure(print)
    reference = paths.root() / "reference"
    reference.mkdir(parents=True, exist_ok=True)  # nothing can be written through a dangling link
    return mnist.FILES.folder(), reference


def _machine() -> dict[str, Any]:
    from bench.trials.provenance import code, environment

    known = environment()
    names = ("python", "platform", "processor", "cores")
    versions = {name: version(name) for name in ("ganbench", "torch", "mlflow", "hypothesis")}
    return {name: known[name] for name in names} | versions | {"commit": code()["commit"]}


def _page(found: dict[str, Any]) -> str:
    rows = ["injected", "survived", "records lost", "records duplicated", "bit differences"]
    lines = [
        "# Nothing lost",
        "",
        *([] if found["finished"] else ["**Not finished: these are the figures so far.**", ""]),
        f"`make torture` killed {found['sweeps']} sweeps of {found['trials']} trials "
        f"{found['injected']} times (SIGKILL to the whole process group, which was stopped first "
        f"to see what it was at; seed {SEED}), ran the same command again each time, and compared "
        "what was left with an undisturbed sweep: "
        f"{found['compared']:,} records each (every metric in MLflow and in the journals with its "
        "step and, but for clocks, its value; every run, its status and its files) and the sha256 "
        "of every generator.",
        "",
        "| | |",
        "|---|---:|",
        *(f"| {name} | {found[name]} |" for name in [*rows, "files left over"]),
        "",
        "| killed in | times |",
        "|---|---:|",
        *(f"| {name} | {count} |" for name, count in found["by phase"].items()),
        "",
        *(_rest(found) if found["finished"] else []),
        f"{found['minutes']} minutes on {os.cpu_count()} cores of {platform.system()}.",
    ]
    return "\n".join(lines) + "\n"


def _rest(found: dict[str, Any]) -> list[str]:
    return [
        "| inputs | tried | exceptions |",
        "|---|---:|---:|",
        *(f"| {name} | {count:,} | 0 |" for name, count in found["inputs"].items()),
        "",
        f"A disk that fills up: {found['full disk']}.",
        "",
        ", ".join(f"{name} {value}" for name, value in found["machine"].items()) + ".",
        "",
    ]


if __name__ == "__main__":
    main()
