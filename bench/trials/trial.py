"""A trial: variant × configuration × seed × budget under a protocol."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bench import datasets
from bench.evaluation import identity

_STORED = {"dataset": "dataset_name", "digest": "dataset", "evaluator": "ruler"}
"""Attribute to its name in the identity, where they differ: a new name would change every key."""


@dataclass(frozen=True)
class Trial:
    """All that a trial's numbers depend on besides the code.

    Attributes:
        variant: the name of its row in every table: the registered variant's, or one that the
            experiment gives to a configuration of it.
        algorithm: the registered variant, by default that of the same name.
        budget: real images shown to the discriminator.
        protocol: what two trials must share, besides budget, data set and evaluator, to be
            comparable: batch, evaluations, samples, splits, and precision and device where they are
            not the usual ones.
        dataset: the name of what it learns from.
        digest: the sha256 of that data set's content, by default as it is now.
        evaluator: the id of the feature extractor that measures it, by default the data set's.
    """

    variant: str
    configuration: Mapping[str, Any]
    seed: int
    budget: int
    protocol: Mapping[str, Any]
    dataset: str = datasets.DEFAULT
    digest: str = ""
    evaluator: str = ""
    algorithm: str = ""

    def __post_init__(self) -> None:
        if not self.algorithm:
            object.__setattr__(self, "algorithm", self.variant)
        if not self.digest:
            object.__setattr__(self, "digest", datasets.get(self.dataset).digest)
        if not self.evaluator:
            object.__setattr__(self, "evaluator", datasets.get(self.dataset).evaluator_id)

    @classmethod
    def from_identity(cls, values: Mapping[str, Any]) -> "Trial":
        """The trial of an `identity`; other values are ignored.

        Raises:
            KeyError: a value is missing.
        """
        values = {"dataset_name": datasets.DEFAULT, "algorithm": values["variant"], **values}
        return cls(*(values[_STORED.get(field.name, field.name)] for field in fields(cls)))

    @property
    def identity(self) -> dict[str, Any]:
        """The trial as plain values, in the order in which they are written."""
        name = {} if self.dataset == datasets.DEFAULT else {"dataset_name": self.dataset}
        algorithm = {} if self.algorithm == self.variant else {"algorithm": self.algorithm}
        return {
            "variant": self.variant,
            **algorithm,
            "configuration": dict(self.configuration),
            **name,
            "dataset": self.digest,
            "seed": self.seed,
            "budget": self.budget,
            "protocol": dict(self.protocol),
            "ruler": self.evaluator,
        }

    @property
    def key(self) -> str:
        """The sha256 of the identity's canonical JSON: names the folder and tags the MLflow run."""
        canonical = json.dumps(
            self.identity, sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def protocol_id(self) -> str:
        """Eight digits that two trials share exactly when their numbers may be compared."""
        names = ("dataset", "budget", "protocol", "ruler")
        canonical = json.dumps({name: self.identity[name] for name in names}, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:8]

    @property
    def measure(self) -> str:
        """The full name of its measurements: evaluator, layer, n, split."""
        return identity.measure_name(self.evaluator, self.samples)

    @property
    def title(self) -> str:
        return f"{self.variant} seed {self.seed}"

    @property
    def batch(self) -> int:
        """Real images in a step."""
        return int(self.protocol["batch"])

    @property
    def steps(self) -> int:
        """Steps that show the whole budget; the last batch is a whole one too."""
        return -(-self.budget // self.batch)

    @property
    def evaluations(self) -> int:
        """How often it is measured, the end included."""
        return int(self.protocol["evaluations"])

    @property
    def samples(self) -> int:
        """Generated images behind each measurement."""
        return int(self.protocol["samples"])

    @property
    def precision(self) -> str:
        return str(self.protocol.get("precision", "fp32"))

    @property
    def device(self) -> str:
        return str(self.protocol.get("device", "cpu"))

    def under(self, **changes: Any) -> "Trial":
        """The same trial with other values of its protocol."""
        return replace(self, protocol={**self.protocol, **changes})
