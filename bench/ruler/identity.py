"""The names of the rulers and of what they measure; importing this loads nothing heavy."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError

SAMPLES = 10_000
LAYER = "penultimate"
SPLIT = "test"
PREPROCESSING = "uint8 grid, then [-1, 1]"


@dataclass(frozen=True)
class Shipped:
    """One classifier of this repository; a retrained one is a new version and another ruler."""

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
WITNESS = Shipped("witness", 1, "52bc43b5a0ffc82c0f8fc79ef046c755c654e266335f07d1a2bae05324c251b7")


def measure_name(ruler: str = DIGITS.id, n: int = SAMPLES, split: str = SPLIT) -> str:
    """What stands beside every number: ruler, layer, number of samples and reference split."""
    return f"{ruler}/{LAYER}/n{n}/{split}"


def protocol(ruler: str = DIGITS.id, n: int = SAMPLES, split: str = SPLIT) -> dict[str, str | int]:
    """The same as separate fields, with the preprocessing, for a record."""
    return {
        "ruler": ruler,
        "layer": LAYER,
        "samples": n,
        "split": split,
        "preprocessing": PREPROCESSING,
    }


def require_one(measures: Iterable[str]) -> str:
    """The single measure name that all numbers of a table share.

    Raises:
        UserError: there are none, or several, which are then named.
    """
    names = sorted(set(measures))
    if not names:
        raise UserError("There are no measured numbers to compare: run the experiment first.")
    if len(names) > 1:
        raise UserError(
            f"Numbers of {' and '.join(names)} do not belong into one table: measure all samples "
            "with one ruler, or make a table for each."
        )
    return names[0]
