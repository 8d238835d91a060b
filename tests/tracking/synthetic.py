"""Trial folders as the training room writes them, with numbers that a test can predict."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench import trials
from bench.trials.event_log import EventLog

DATASET = hashlib.sha256(b"digits").hexdigest()
MEASURE = "digits-v1-00000000/penultimate/n10000/test"
TOML = '[experiment]\nname = "quick"\n'


@dataclass
class Trial:
    """One trial folder and the means to continue it."""

    store: Path
    variant: str = "wgan"
    seed: int = 0
    budget: int = 6400
    configuration: dict[str, Any] = field(default_factory=lambda: {"lr": 5e-5, "n_critic": 5})
    evaluations: int = 4

    def __post_init__(self) -> None:
        self.key = trials.Trial.from_identity(self.identity).key
        self.folder = self.store / "trials" / self.key
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"key": self.key, "identity": self.identity, "recorded": RECORDED}
        (self.folder / "trial.json").write_text(json.dumps(content))
        self.events = EventLog(self.folder)

    @property
    def protocol_id(self) -> str:
        return trials.Trial.from_identity(self.identity).protocol_id

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "variant": self.variant,
            "configuration": self.configuration,
            "dataset": DATASET,
            "seed": self.seed,
            "budget": self.budget,
            "protocol": {"batch": 64, "evaluations": 4, "samples": 10000, "train": "train[:50000]"},
            "ruler": "digits-v1-00000000",
        }

    def status(self, status: str, reason: str | None = None) -> None:
        content = {"status": status, "reason": reason, "heartbeat": 1_700_000_000.5}
        (self.folder / "status.json").write_text(json.dumps(content))

    def points(self, first: int = 1, last: int | None = None) -> "Trial":
        """Evaluation points ``first`` to ``last`` (from 1, both included), each with a grid."""
        for point in range(first, (last or self.evaluations) + 1):
            images = self.budget * point // self.evaluations
            self.events.metrics(images, {"train/loss_d": 1.0 / point, "train/loss_g": point / 2})
            self.events.metrics(images, {"eval/fid": self.fid(point), "eval/modes": 10.0})
            self._grid(images, point)
        return self

    def fid(self, point: int) -> float:
        return 10 * len(self.variant) / point + self.seed

    def finish(self, status: str = "done", reason: str | None = None) -> "Trial":
        self.events.metrics(0, {"final/fid": self.fid(self.evaluations), "final/modes": 10.0})
        (self.folder / "generator.safetensors").write_bytes(b"weights")
        (self.folder / "generator.json").write_text("{}")
        self.events.artifact("generator.safetensors")
        self.events.artifact("generator.json")
        self.events.tags({"ganbench.missing": "none"})
        self.events.end(status, reason)
        self.status(status, reason)
        return self

    def _grid(self, images: int, point: int) -> None:
        path = self.folder / "samples" / f"{images}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = np.full((64, 64), 40 * point + self.seed, dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        self.events.image(images, "samples", f"samples/{images}.png")


RECORDED = {
    "environment": {"python": "3.11"},
    "commit": "0" * 40,
    "dirty": False,
    "source": hashlib.sha256(b"source").hexdigest(),
    "experiment": TOML,
    "measure": MEASURE,
}
