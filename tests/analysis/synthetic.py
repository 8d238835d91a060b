"""A realistic MLflow store, written through MlflowClient exactly as a sweep leaves it."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

RULER = "digits-v1-0a1b2c3d"
BUDGET = 6400
STEPS = (0, 1600, 3200, 4800, 6400)
# Typical final FID of each variant here, the spread over seeds, images per second.
VARIANTS = {
    "spectral_norm": (4.2, 0.08, 5200.0),
    "batchnorm_dropout": (6.9, 0.10, 4800.0),
    "wgan": (11.5, 0.12, 6100.0),
    "mlp_bce": (19.0, 0.15, 7400.0),
}
FLOOR = {
    "fid": 0.62,
    "modes": 10.0,
    "modes_any": 10.0,
    "mode_kl": 4.6e-4,
    "confidence": 0.997,
    "inception_score": 9.93,
}
# A tenth each, and what real data gets within a digit.
DIGITS = {f"digit_share/{digit}": 0.1 for digit in range(10)} | {
    f"digit_coverage/{digit}": 0.96 for digit in range(10)
}
TOML = (
    'variants = ["spectral_norm", "batchnorm_dropout", "wgan", "mlp_bce"]\n'
    "seeds = 3\nbudget = 6400\n"
)
ENVIRONMENT = {
    "python": "3.11.2",
    "torch": "2.15.0",
    "mlflow": "3.17.2",
    "cpu": "two cores",
    "device": "cpu",
}


@dataclass
class Sweep:
    """Writes runs by the data contract into one experiment."""

    client: MlflowClient
    name: str
    root: Path
    protocol: str = "a1b2c3d4"
    evaluator: str = RULER
    experiment_id: str = field(init=False)

    def __post_init__(self) -> None:
        location = (self.root / "artifacts" / self.name).as_uri()
        tags = {
            "ganbench.protocol": self.protocol,
            "ganbench.measure": f"{self.evaluator}/penultimate/n10000/test",
            "ganbench.floor": json.dumps(FLOOR | DIGITS),
            "ganbench.calibration": json.dumps(calibration()),
            "ganbench.toml": TOML,
            "ganbench.description": "Which of `these` is best?",
        }
        self.experiment_id = self.client.create_experiment(self.name, location, tags)

    def trial(self, variant: str, seed: int, status: str = "done", **changes: str) -> str:
        """One whole run; ``changes`` replace tags (protocol, evaluator, key) or params."""
        random = np.random.default_rng([seed, *variant.encode()])
        run = self.client.create_run(self.experiment_id, run_name=f"{variant} seed {seed}")
        run_id: str = run.info.run_id
        metrics = _metrics(variant, seed, random, status)
        self.client.log_batch(
            run_id,
            metrics,
            _params(variant, seed, changes),
            self._tags(variant, seed, status, changes),
        )
        self._artifacts(run_id, random, steps=STEPS[:3] if status == "diverged" else STEPS)
        if status not in ("running", "pending"):
            ends = {"failed": "FAILED", "interrupted": "KILLED"}
            self.client.set_terminated(run_id, ends.get(status, "FINISHED"))
        return run_id

    def _tags(self, variant: str, seed: int, status: str, changes: dict[str, str]) -> list[RunTag]:
        key = hashlib.sha256(
            f"{self.name}{variant}{seed}{sorted(changes.items())}".encode()
        ).hexdigest()
        tags = {
            "ganbench.key": key,
            "ganbench.status": status,
            "ganbench.reason": "the critic's loss is not finite at image 3200"
            if status == "diverged"
            else "",
            "ganbench.ruler": self.evaluator,
            "ganbench.measure": f"{self.evaluator}/penultimate/n10000/test",
            "ganbench.protocol": self.protocol,
            "ganbench.source": hashlib.sha256(variant.encode()).hexdigest(),
            "ganbench.missing": "4 9" if variant == "mlp_bce" and seed == 1 else "none",
            "mlflow.source.git.commit": "0" * 40,
        }
        tags |= {
            f"ganbench.{name}": value
            for name, value in changes.items()
            if f"ganbench.{name}" in tags or name == "code"
        }
        return [RunTag(name, value) for name, value in tags.items()]

    def _artifacts(self, run_id: str, random: np.random.Generator, steps: tuple[int, ...]) -> None:
        for step in steps:
            self.client.log_image(run_id, grid(random, step / BUDGET), key="samples", step=step)
        self.client.log_text(run_id, TOML, "experiment.toml")
        self.client.log_text(run_id, json.dumps(ENVIRONMENT), "environment.json")


def grid(random: np.random.Generator, done: float) -> np.ndarray:
    """An 8 × 8 grid of 28 × 28 cells, two pixels apart, that sharpens as training goes on."""
    y, x = np.mgrid[0:28, 0:28] - 13.5
    canvas = np.zeros((242, 242), np.uint8)
    radius = 4 + 5 * np.random.default_rng(7).random(64)
    for cell in range(64):
        ring = np.exp(-((np.hypot(x, y) - radius[cell]) ** 2) / 6)
        noise = random.random((28, 28))
        top, left = 2 + 30 * (cell // 8), 2 + 30 * (cell % 8)
        canvas[top : top + 28, left : left + 28] = 255 * (done * ring + (1 - done) * noise)
    return canvas


def calibration() -> list[dict[str, float | str]]:
    return [
        {"row": "real, held out of training", **FLOOR},
        {
            "row": "digits 0-8 only",
            **FLOOR,
            "fid": 9.4,
            "modes": 9.0,
            "modes_any": 9.0,
            "mode_kl": 0.1,
        },
        {"row": "one digit", **FLOOR, "fid": 143.0, "modes": 1.0, "modes_any": 1.0, "mode_kl": 2.3},
        {
            "row": "uniform noise",
            **FLOOR,
            "fid": 410.0,
            "modes": 1.0,
            "mode_kl": 2.2,
            "confidence": 0.41,
        },
    ]


def _params(variant: str, seed: int, changes: dict[str, str]) -> list[Param]:
    values = {
        "variant": variant, "seed": seed, "budget": BUDGET, "batch": 64, "evaluations": 4,
        "samples": 10_000, "train": "train[:50000]", "dataset": "f" * 64, "ruler": RULER,
        "lr": 5e-5 if variant == "wgan" else 2e-4,
    }  # fmt: skip
    if variant == "wgan":
        values |= {"n_critic": 5, "clip": 0.01}
    values |= {name: value for name, value in changes.items() if name in values}
    return [Param(name, str(value)) for name, value in values.items()]


def _metrics(variant: str, seed: int, random: np.random.Generator, status: str) -> list[Metric]:
    goal, spread, speed = VARIANTS.get(variant, (9.0, 0.1, 5000.0))
    # What the seed does to every variant alike, and what it does to this one alone.
    level = goal * np.exp(
        spread * np.random.default_rng(seed).normal() + 0.3 * spread * random.normal()
    )
    whole = {"diverged": 3, "failed": 2, "running": 2, "interrupted": 3}.get(status, len(STEPS))
    points = [(step, _point(level, step, speed, random)) for step in STEPS[:whole]]
    if variant == "mlp_bce":  # it got worse at the end
        points[-1][1].update(dict.fromkeys(("fid", "fid_heldout"), 1.2 * level))
    if (variant, seed) == ("batchnorm_dropout", 0):  # which the held-out images do not see
        points[-1][1]["fid"] = 1.2 * level
    logged = [
        _metric(f"eval/{name}", value, step)
        for step, point in points
        for name, value in point.items()
    ]
    seconds = points[-1][1]["seconds"]
    logged += [
        _metric("cost/seconds", seconds, 0),
        _metric("cost/images_per_s", speed * (1 + 0.01 * random.normal()), 0),
    ]
    if status == "done":
        last = {name: value for name, value in points[-1][1].items() if name != "seconds"}
        last |= {
            "precision": 0.93 - level / 100,
            "recall": 0.9 - level / 40,
            "density": 0.99 - level / 60,
            "coverage": 0.96 - level / 50,
        }
        last |= _by_digit(variant)
        chosen, point = min(points, key=lambda one: one[1]["fid_heldout"])
        best = {name: value for name, value in point.items() if name != "seconds"} | {
            "images": chosen
        }
        logged += [_metric(f"final/{name}", value, 0) for name, value in last.items()]
        logged += [_metric(f"best/{name}", value, 0) for name, value in best.items()]
    return logged


def _by_digit(variant: str) -> dict[str, float]:
    """mlp_bce draws the digit 1 half of the time, and the 9 never."""
    if variant != "mlp_bce":
        return DIGITS
    skewed = {"digit_share/1": 0.5, "digit_share/9": 0.0, "digit_coverage/9": 0.0}
    return DIGITS | {f"digit_share/{digit}": 0.0625 for digit in range(9)} | skewed


def _point(level: float, step: int, speed: float, random: np.random.Generator) -> dict[str, float]:
    left = np.exp(-8.0 * step / BUDGET)
    fid, heldout = (level * (1 + 0.01 * random.normal()) + 220 * left for _ in range(2))
    return {
        "fid": fid, "fid_heldout": heldout, "modes": 10.0 if step else 1.0, "modes_any": 10.0,
        "mode_kl": 0.001 * level + 0.5 * left, "confidence": 0.99 - 0.5 * left,
        "inception_score": 9.8 - 4 * left, "seconds": step / speed,
    }  # fmt: skip


def _metric(name: str, value: float, step: int) -> Metric:
    return Metric(name, float(value), 1_700_000_000_000 + step, step)


@dataclass(frozen=True)
class Store:
    """A folder with one MLflow store in it."""

    root: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"

    def sweep(self, name: str, **about: str) -> Sweep:
        return Sweep(MlflowClient(self.uri), name, self.root, **about)
