"""What is measured: rates of steps, the machine's peak, and what a trial spends beside training.

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
from bench.speed.lanes import SGEMM, Kind, lanes, together
from bench.training import runtime
from bench.training.generator import build
from bench.training.stepping import EagerStep
from bench.trials import Trial

_SGEMM_GFLOP = 2 * SGEMM**3 / 1e9
Round = dict[str, float]


@dataclass(frozen=True)
class Spread:
    """A median over rounds, with its range."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    @classmethod
    def over(cls, rounds: Sequence[Round], value: Callable[[Round], float]) -> "Spread":
        return cls.of([value(one) for one in rounds])


@dataclass(frozen=True)
class Speed:
    """One variant on one machine. Rates are steps a second."""

    variant: str
    gflop: float
    """10⁹ floating-point operations of matrix products in a step; a multiplication with its
    addition counts as two."""
    tutorial: Spread
    """The tutorials' loop on the same networks, which may use all cores."""
    alone: Spread
    """One trial, the rest of the machine idle."""
    machine: Spread
    """One trial a core, or several on a GPU, all of them together."""
    gain: Spread
    """``machine`` over ``tutorial``."""
    bf16: Spread | None
    """``machine`` in bf16 over ``machine``; None where the processor lacks it."""
    sgemm: Spread
    """GFLOP/s of bare products of large matrices where the trials are trained, all of it."""
    roofline: Spread
    """The share of ``sgemm`` at which the steps of ``machine`` computed."""
    point: Spread
    """Seconds of a measurement in the midst of a trial, on every core."""
    end: Spread
    """Seconds of the measurement at a trial's end, on every core."""
    share: Spread
    """The measurements' part of all the time, side by side, at the experiment's settings."""


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
    gflop = _flop(trial) / 1e9
    measuring = width if trial.device == "cpu" else cores()
    found = _rounds(trial, width, measuring, rounds, seconds)
    taken, between = trial.steps, trial.evaluations - 1

    def share(one: Round) -> float:
        measured = between / one["point"] + 1 / one["end"]
        return float(measured / (measured + taken / one["trial"]))

    return Speed(
        trial.variant,
        gflop,
        tutorial=Spread.over(found, lambda one: one["tutorial"]),
        alone=Spread.over(found, lambda one: one["alone"]),
        machine=Spread.over(found, lambda one: one["trial"]),
        gain=Spread.over(found, lambda one: one["trial"] / one["tutorial"]),
        bf16=Spread.over(found, lambda o: o["bf16"] / o["trial"]) if "bf16" in found[0] else None,
        sgemm=Spread.over(found, lambda one: one["sgemm"] * _SGEMM_GFLOP),
        roofline=Spread.over(found, lambda o: o["trial"] * gflop / (o["sgemm"] * _SGEMM_GFLOP)),
        point=Spread.over(found, lambda one: measuring / one["point"]),
        end=Spread.over(found, lambda one: measuring / one["end"]),
        share=Spread.over(found, share),
    )


def _rounds(trial: Trial, width: int, measuring: int, rounds: int, seconds: float) -> list[Round]:
    """The summed rate of each kind of work, round by round; the first round is to warm up."""
    device = trial.device
    bf16: list[Kind] = ["bf16"] if runtime.available("bf16", device) else []
    steps: list[Kind] = ["trial", *bf16, "sgemm"]
    with (
        lanes(trial, 1, single=False) as base,
        lanes(trial, measuring) as each,
        lanes(trial, int(device != "cpu"), beside=width) as gpu,
    ):
        side = gpu or each

        def once() -> Round:
            return {
                "tutorial": together(base, "tutorial", seconds),
                "alone": together(side[:1], "alone", seconds),
                **{kind: together(side, kind, seconds) for kind in steps},
                "point": together(each, "point", 0),
                "end": together(each, "end", 0),
            }

        once()
        return [once() for _ in range(rounds)]


def _flop(trial: Trial) -> float:
    """Of one step's matrix products, forward and backward, as torch counts them.

    The mean of one turn of discriminator and generator steps.
    """
    stepper = EagerStep(trial, datasets.get(trial.dataset).split("train"))
    turn = getattr(stepper.algorithm, "n_critic", 1)
    known = {} if ONEDNN is None else {ONEDNN: _product_flop}
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        for index in range(turn):
            stepper.step(index)
    return float(counter.get_total_flops() / turn)


def _product_flop(x: torch.Size, weight: torch.Size, *_: Any, **__: Any) -> int:
    """Of x (N, i) times the transpose of weight (o, i); torch does not know oneDNN's product."""
    return 2 * x[0] * x[1] * weight[0]
