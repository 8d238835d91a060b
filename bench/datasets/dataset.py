"""What a data set is, and all of them by name: this folder's files, plug-ins, entry points.

A data set is known by its name and by the digest of its content. The identity of a trial
(`bench.trials.trial`) holds both: ``dataset`` is the digest, and ``dataset_name`` is the name where
it is not `DEFAULT`. So trials of the default data set keep their keys, two data sets of one name
but of other content never mix, and neither do two names of one content.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args

from bench.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DEFAULT = "mnist"
"""The data set of an experiment that names none."""

Split = Literal["train", "heldout", "test"]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Samples:
    """A split: ``values`` (N, *shape) in stored form; ``labels`` (N,) int64, or None."""

    values: "Tensor"
    labels: "Tensor | None" = None

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: "Tensor") -> "Samples":
        """Those of the given indices (n,) int64, in their order."""
        labels = None if self.labels is None else self.labels.index_select(0, rows)
        return Samples(self.values.index_select(0, rows), labels)

    def to(self, device: "torch.device") -> "Samples":
        """The same on a device."""
        labels = None if self.labels is None else self.labels.to(device)
        return Samples(self.values.to(device), labels)


class Dataset(ABC):
    """What variants learn from, and what their samples are compared with.

    Values have two forms. The stored form is what a file holds and what is measured (uint8 for
    images); the encoded form is what networks see and return (float32).
    """

    name: ClassVar[str]
    """As it was registered."""
    shape: ClassVar[tuple[int, ...]]
    """Of one sample: (channels, height, width) of images, (2,) of points in the plane."""
    classes: ClassVar[int] = 0
    """How many there are; 0 where samples have no labels."""
    splits: ClassVar[Mapping[str, str]] = {"train": "train", "heldout": "heldout", "test": "test"}
    """What each split is made of, as the protocol of a trial says it.

    Generators learn from ``train`` alone; ``heldout`` chooses a checkpoint, ``test`` measures.
    """

    @property
    def summary(self) -> str:
        """The first line of the class's docstring."""
        return (type(self).__doc__ or "").strip().partition("\n")[0]

    @abstractmethod
    def split(self, name: Split) -> Samples:
        """Read one split.

        Raises:
            UserError: a file of it is missing or altered.
        """

    @abstractmethod
    def encode(self, stored: "Tensor") -> "Tensor":
        """(N, *shape) in stored form to the float32 that networks see."""

    @abstractmethod
    def decode(self, values: "Tensor") -> "Tensor":
        """(N, *shape) as a network returns it, to the nearest stored form."""

    @abstractmethod
    def evaluator(self) -> Any:
        """The `bench.evaluation.Evaluator` of its samples; imports it only now."""

    @abstractmethod
    def draw(self, samples: "Tensor", path: Path) -> None:
        """Write a PNG that shows samples (N, *shape) in stored form, N ≥ 64.

        Figures show it whole, and cut samples out of a grid as that of `bench.datasets.pixels`: a
        picture of another kind has a width or height that is not 2 more than a multiple of 8.
        """

    @property
    def evaluator_id(self) -> str:
        """The id of the evaluator, part of a trial's identity."""
        return str(self.evaluator().id)

    @cached_property
    def digest(self) -> str:
        """The sha256 of its content, part of a trial's identity."""
        digest = hashlib.sha256()
        for name in get_args(Split):
            samples = self.split(name)
            for part in (samples.values, samples.labels):
                if part is not None:
                    digest.update(f"{name} {part.dtype} {tuple(part.shape)}\0".encode())
                    digest.update(part.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def ensure(self, report: Report = lambda line: None, *, refetch: bool = False) -> str:
        """Make sure that its files are there and are the known ones; fetch what is missing.

        Args:
            report: receives one line for each thing worth telling.
            refetch: replace altered files in the store instead of raising.

        Returns:
            A sentence on what is there.

        Raises:
            UserError: a file is altered, or no way of getting it worked.
        """
        return "It is made without any file."

    def content(self) -> dict[str, bytes]:
        """What another machine needs to read it: content by its path in the store."""
        return {}


_DATASETS: Registry[Dataset] = Registry("data set", "bench.datasets")
get, names = _DATASETS.get, _DATASETS.names
_Registered = TypeVar("_Registered", bound=type[Dataset])


def register(name: str) -> Callable[[_Registered], _Registered]:
    """Class decorator that makes a data set known under ``name``.

    Raises:
        UserError: the name is malformed or taken.
    """

    def remember(cls: _Registered) -> _Registered:
        _DATASETS.add(name, cls(), cls.__module__)
        cls.name = name
        return cls

    return remember
