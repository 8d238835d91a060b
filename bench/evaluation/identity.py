"""The names of the evaluators and of what they measure; importing this loads nothing heavy."""

import re
from dataclasses import dataclass
from pathlib import Path

SAMPLES = 10_000
LAYER = "penultimate"
SPLIT = "test"


@dataclass(frozen=True)
class Shipped:
    """One classifier of this repository; a retrained one is a new version and another evaluator."""

    network: str
    version: int
    sha256: str

    @property
    def id(self) -> str:
        return f"{self.network}-v{self.version}-{self.sha256[:8]}"

    @property
    def path(self) -> Path:
        name = f"{self.network}-v{self.version}.safetensors"
        return Path(__file__).parent / "weights" / name


DIGITS = Shipped("digits", 1, "983126deb40bb2b466a4fba6fa2c4f1d0efd6d69bf3c802144e0026b9c091651")
ALTERNATIVE = Shipped(
    "alternative", 1, "52bc43b5a0ffc82c0f8fc79ef046c755c654e266335f07d1a2bae05324c251b7"
)


def measure_name(evaluator: str = DIGITS.id, n: int = SAMPLES, split: str = SPLIT) -> str:
    """What stands next to every number: evaluator, layer, number of samples and reference split."""
    return f"{evaluator}/{LAYER}/n{n}/{split}"


_OLD = re.compile(
    r"(?P<section>(eval|final|best|noise)/)?(?P<by>witness_|inception_(?!score))?"
    r"(?P<name>\w+?)(?P<sd>_sd)?"
)
_NOW = {"score": "inception_score", "witness_": "_alt", "inception_": "_inception"}


def current(name: str) -> str:
    """What a metric is called now that an older record calls ``name``; any other name stays.

    ``score`` is now ``inception_score``, ``witness_fid`` ``fid_alt`` (by the second feature
    extractor) and ``inception_fid`` ``fid_inception``, with or without a section before it.
    """
    old = _OLD.fullmatch(name)
    if old is None:
        return name
    by = _NOW.get(old["by"] or "", "")
    return f"{old['section'] or ''}{_NOW.get(old['name'], old['name'])}{by}{old['sd'] or ''}"
