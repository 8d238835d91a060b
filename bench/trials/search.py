"""The search for settings in an experiment file, and what each setting draws.

Every field draws from a stream of its own, so that adding a field never changes the draws of
another, and more settings contain the fewer. The draws of a field are a low-discrepancy sequence.
"""

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import fmean
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

FIRST_SEED = 10_000
"""Of a search; no count of seeds reaches it, so that the final phase has fresh seeds."""
CHOSEN_BY = "eval/fid_heldout"
"""The metric of the event log whose last value chooses a setting."""
_DIGITS = 4
_FORM = re.compile(r"(uniform|loguniform|choice)\((.+)\)")
_KINDS = "write uniform(LOW, HIGH), loguniform(LOW, HIGH) or choice(A, B, …)"


@dataclass(frozen=True)
class Distribution:
    """What a field of a variant is drawn from.

    Attributes:
        values: both ends of a range, or everything that a choice is made of.
    """

    kind: str
    values: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value below which a ``share``, in [0, 1), of all draws lie.

        A number has four significant digits: it can be typed again, and no rounding of a processor
        changes the key of its trial.
        """
        if self.kind == "choice":
            return self.values[int(share * len(self.values))]
        low, high = self.values
        value = low + share * (high - low)
        if self.kind == "loguniform":
            value = math.exp(math.log(low) + share * math.log(high / low))
        return min(high, max(low, float(f"{value:.{_DIGITS}g}")))


def parse(text: str) -> Distribution:
    """``"loguniform(1e-5, 1e-2)"`` as a distribution; values are written as in TOML.

    Raises:
        ValueError: it is none, or a range is empty.
    """
    form = _FORM.fullmatch(text.strip())
    try:
        values = tomllib.loads(f"values = [{form[2]}]")["values"] if form else []
    except ValueError:
        values = []
    if not form or not values:
        raise ValueError(f"this is no distribution: {_KINDS}")
    kind = form[1]
    return Distribution(kind, tuple(values) if kind == "choice" else _ends(kind, values))


def _ends(kind: str, values: list[Any]) -> tuple[float, float]:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(values) != 2 or len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{kind} needs two numbers: {_KINDS}")
    low, high = map(float, numbers)
    if low >= high:
        raise ValueError("this range is empty: write the lower end first")
    if kind == "loguniform" and low <= 0:
        raise ValueError("a logarithmic range begins above 0")
    return low, high


def _checked(text: str) -> str:
    parse(text)
    return text


Space = dict[str, Annotated[str, AfterValidator(_checked)]]
"""Field to the text of its distribution."""


class Search(BaseModel):
    """The table ``[search]`` of an experiment file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Annotated[int, Field(ge=2, le=1000)]
    """Of each variant; the first is always its defaults."""
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1)]
    """Of each setting. A count stands for the seeds from `FIRST_SEED` on."""
    budget: Annotated[int, Field(ge=1, le=10**12)]
    """Real images that a search trial shows to the discriminator."""
    evaluations: Annotated[int, Field(ge=1, le=10_000)] = 1
    space: Space = {}
    """Of every variant that has the field; it takes the place of the variant's own space."""
    variant: dict[str, Space] = {}
    """Of one row of the experiment; it takes the place of ``space``."""

    @field_validator("seeds", mode="before")
    @classmethod
    def _count_or_list(cls, seeds: Any) -> Any:
        if isinstance(seeds, int) and not isinstance(seeds, bool) and 0 < seeds <= FIRST_SEED:
            return list(range(FIRST_SEED, FIRST_SEED + seeds))
        return seeds


def drawn(space: Mapping[str, Distribution], settings: int) -> list[dict[str, Any]]:
    """What each setting draws; the first is empty, which stands for the defaults."""
    columns = [[space[f].at(share) for share in shares(f, settings - 1)] for f in space]
    return [{}, *(dict(zip(space, row, strict=True)) for row in zip(*columns, strict=True))]


@cache
def shares(field: str, count: int) -> tuple[float, ...]:
    """``count`` numbers in [0, 1), spread evenly, of which the first are the same for any count.

    Of the first 2^k numbers each lies in its own part of 2^k equal ones. The next 2^k fill the
    halves that are still empty, in any order: sequences that all take the halves in one order, as
    scrambled Sobol sequences in one dimension do, would make two fields move together.

    Only Python's own generator is asked, whose numbers no version changes: they are in the keys of
    trials.
    """
    random = Random(int.from_bytes(hashlib.sha256(field.encode()).digest()))
    points = [random.random()]
    while len(points) < count:
        halves = 2 * len(points)
        empty = [int(point * halves) ^ 1 for point in points]
        empty.sort(key=lambda half: random.random())
        points += [(half + random.random()) / halves for half in empty]
    return tuple(points[:count])


def best(values: Mapping[int, Sequence[float]]) -> int:
    """The setting with the lowest mean held-out FID over the search's seeds.

    Args:
        values: of each setting, inf for a trial that diverged. Of equal settings the first counts.
    """
    return min(sorted(values), key=lambda setting: fmean(values[setting]))
