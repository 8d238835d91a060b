"""What is measured: rates of steps, the machine's peak, and what a trial spends beyond training.

In every round each thing is done once, one after the other, so that whatever the machine does to
one it does to all; ratios are formed within a round. Reported is the median over the rounds with
the lowest and the highest.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import datasets
from bench.executors import cores
from bench.nn.fast import ONEDNN
from bench.speed import tutorial
from bench.speed.workers import SGEMM, workers
from bench.training import runtime
from bench.training.generator import build
from bench.training.step import EagerStep
from bench.trials import Trial

Round = dict[str, float]
"""The rate of each kind of work, and what `measure` adds to it."""


@dataclass(frozen=True)
class Spread:
    """A median over rounds, with its range."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    def text(self, unit: float = 1.0) -> str:
        values = (self.median, self.lowest, self.highest)
        return "{} [{}–{}]".format(*(f"{unit * value:.3g}" for value in values))


def _peak(r: Round) -> float:
    return r["sgemm"] * 2 * SGEMM**3 / 1e9


def _share(r: Round) -> float:
    evaluating = r["between"] / r["point"] + 1 / r["end"]
    return evaluating / (evaluating + r["steps"] / r["trial"])


FIGURES: dict[str, tuple[str, Callable[[Round], float]]] = {
    # The tutorials' loop on the same networks, which may use all cores.
    "tutorial": ("tutorials' loop [steps/s]", lambda r: r["tutorial"]),
    "alone": ("one trial alone [steps/s]", lambda r: r["alone"]),
    # One trial a core, or several on a GPU.
    "machine": ("trials side by side, together [steps/s]", lambda r: r["trial"]),
    "gain": ("side by side / tutorials' loop", lambda r: r["trial"] / r["tutorial"]),
    "bf16": ("side by side in bf16 / in fp32", lambda r: r["bf16"] / r["trial"]),
    # 10⁹ floating-point operations; a multiplication with its addition counts as two.
    "gflop": ("matrix products a step [GFLOP]", lambda r: r["gflop"]),
    # Of bare products of large matrices where the trials are trained, all of it.
    "sgemm": ("peak of matrix products, together [GFLOP/s]", _peak),
    "roofline": ("share of that peak [%]", lambda r: r["trial"] * r["gflop"] / _peak(r)),
    # On every core at the same time.
    "point": ("a measurement in between [s]", lambda r: r["cores"] / r["point"]),
    "end": ("the measurements at the end [s]", lambda r: r["cores"] / r["end"]),
    # At the experiment's settings.
    "share": ("measurements' share of a trial [%]", _share),
}
"""By name in the JSON: the title in the table, and how it is computed in a round."""

Speed = dict[str, Any]
"""One variant on one machine: ``variant``, ``gflop``, and the `Spread` of each other figure, which
is None for bf16 where the machine lacks it."""


def measure(trial: Trial, width: int, rounds: int, seconds: float) -> Speed:
    """Measure the variant of a trial.

    Args:
        trial: whose variant and protocol; no other seed is looked at.
        width: trials side by side: processes, or on a GPU streams of one process.
        rounds: how often everything is repeated.
        seconds: how long each rate is taken, in each round.

    Raises:
        UserError: no tutorial's loop is known for this variant.
    """
    tutorial.step_of(build(trial))  # type: ignore[arg-type]
    evaluating = width if trial.device == "cpu" else cores()
    setting: Round = {"gflop": _flop(trial) / 1e9, "cores": evaluating}
    setting |= {"steps": trial.steps, "between": trial.evaluations - 1}
    measured = [setting | rates for rates in _rounds(trial, width, evaluating, rounds, seconds)]
    lacking = {"bf16"} - measured[0].keys()
    speed: Speed = {
        name: None if name in lacking else Spread.of([value(each) for each in measured])
        for name, (_, value) in FIGURES.items()
    }
    return {"variant": trial.variant, **speed, "gflop": setting["gflop"]}


def _rounds(trial: Trial, width: int, evaluating: int, rounds: int, seconds: float) -> list[Round]:
    """The rate of each kind of work, round by round, after a round to warm up."""
    gpu = trial.device != "cpu"
    bf16 = ["bf16"] if runtime.available("bf16", trial.device) else []
    with (
        workers(trial, 1, single=False) as loop,
        workers(trial, 1, trials=width if gpu else 1) as first,
        workers(trial, evaluating) as each,
    ):
        plan = [(loop, "tutorial", seconds), (first, "alone", seconds)]
        plan += [(first if gpu else each, kind, seconds) for kind in ("trial", *bf16, "sgemm")]
        plan += [(each, "point", 0), (each, "end", 0)]
        return [{kind: rate(kind, s) for rate, kind, s in plan} for _ in range(1 + rounds)][1:]


def _flop(trial: Trial) -> float:
    """Of a step's matrix products, forward and backward, as torch counts them; the mean of one turn
    of discriminator and generator steps."""
    step = EagerStep(trial, datasets.get(trial.dataset).split("train"))
    turn = getattr(step.algorithm, "n_critic", 1)
    known = {} if ONEDNN is None else {ONEDNN: _product_flop}
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        for index in range(turn):
            step(index)
    return float(counter.get_total_flops() / turn)


def _product_flop(x: torch.Size, weight: torch.Size, *_: Any, **__: Any) -> int:
    """Of x (N, i) times the transpose of weight (o, i); torch does not know oneDNN's product."""
    return 2 * x[0] * x[1] * weight[0]
