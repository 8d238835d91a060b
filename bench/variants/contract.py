"""What a variant is: an `Algorithm`."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

Configuration = Mapping[str, Any]
Labels = Any
"""(N,) int64 of a conditional variant, None of any other."""
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]

_SAMPLING_BLOCK = 500


@dataclass(frozen=True)
class Batch:
    """What one step is given; a pure function of (seed, step)."""

    index: int
    """The step's number, from 0."""
    real: Tensor
    """(B, *shape) float32, images in [−1, 1]."""
    latents: Tensor
    """(2, B, latent) float32 from N(0, 1): two independent draws."""
    labels: Tensor | None = None
    """(B,) int64, the classes of ``real``; None where the data set has none."""


class Algorithm(ABC):
    """Anything that learns from images and can be sampled.

    Annotated class attributes are the configuration: ``clip: Positive = 0.01`` can be set by
    ``-o wgan.clip=0.02``, stands in the trial's key and is a parameter of its MLflow run. Whatever
    a network draws for itself (dropout) comes from torch's default generator, which the caller has
    set for the step.
    """

    latent: Count = 100

    shape: ClassVar[tuple[int, ...]]
    """Of one sample of the data set, (channels, height, width) for images; set when it is built."""
    classes: ClassVar[int]
    """Of the data set, 0 where its samples have no labels; set when it is built."""

    prior: ClassVar[Literal["normal", "uniform"]] = "normal"
    """What latents are drawn from: N(0, 1), or U(−1, 1) as its image under erf(z / √2)."""
    conditional: ClassVar[bool] = False
    """Whether networks also take labels (N,) int64: ``G(latents, labels)``."""

    idea: ClassVar[str] = "own"
    """What it changes, in a word or two by which variants are listed: "loss", "labels"."""

    def __init__(self, configuration: Configuration) -> None:
        for name, value in configuration.items():
            setattr(self, name, value)

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from one batch and return named scalars; ``loss_d`` and ``loss_g`` mark the steps
        of discriminator and generator."""

    def sample(self, n: int, generator: torch.Generator, labels: Tensor | None = None) -> Tensor:
        """(n, *shape) float32 like real samples, by the evaluation stream; changes no state.

        Args:
            n: how many.
            generator: the processor's wherever the networks are, so that it is the same everywhere.
            labels: (n,) int64 of a conditional variant; by default every class in turn.
        """
        return self.generate(torch.randn(n, self.latent, generator=generator), labels)

    def generate(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """The samples of latents (N, latent) from N(0, 1), in eval mode; changes no state."""
        network = self.sampler
        modes = {module: module.training for module in network.modules()}
        inputs = self.inputs(latents.to(next(network.parameters()).device), labels)
        network.eval()
        try:
            with torch.no_grad():
                blocks = zip(*(torch.split(part, _SAMPLING_BLOCK) for part in inputs), strict=True)
                return torch.cat([network(*block) for block in blocks])
        finally:
            for module, training in modes.items():
                module.training = training

    def inputs(self, latents: Tensor, labels: Tensor | None = None) -> tuple[Tensor, ...]:
        """What the generator takes for latents from N(0, 1): those of its prior, and labels."""
        if self.prior == "uniform":
            latents = torch.erf(latents / math.sqrt(2))
        if not self.conditional:
            return (latents,)
        if labels is None:
            labels = self.labels(len(latents))
        return latents, labels.to(latents.device)

    def labels(self, n: int) -> Labels:
        """What n samples are drawn for where nothing else is asked: every class in turn."""
        return torch.arange(n) % self.classes if self.conditional else None

    @property
    def sampler(self) -> nn.Module:
        """The network that is sampled, kept at the end and registered as a model."""
        return self.networks()["generator"]

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """The networks that learn, by name; one is ``generator``."""

    @staticmethod
    def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> dict[str, Tensor]:
        """One step of an optimiser down a loss, which is returned as ``loss_g``."""
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return {"loss_g": loss.detach()}

    @property
    def cycle(self) -> int | None:
        """After how many steps the same operations on the same tensors come again; None: unknown.

        Where it is known, a GPU may record the steps of one cycle and replay them from then on. So
        it is None where a step goes by a number of Python that changes (a schedule): set
        ``cycle = None`` in such a variant.
        """
        return None

    def to(self, device: torch.device) -> None:
        """Move to where it is trained, before the first step and before `load`."""
        for network in (*self.networks().values(), self.sampler):
            network.to(device)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on: nested dicts and lists of tensors, numbers and texts.

        By default each attribute that is a number, a text or None or has a ``state_dict`` (a
        network, an optimiser, a scheduler). A trial is refused where that is not enough
        (`bench.training.resuming`).
        """
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        plain = {name: value for name, value in vars(self).items() if _is_plain(value)}
        return {**parts, "attributes": plain}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        vars(self).update(state.get("attributes", {}))  # absent from a checkpoint of old

    def _parts(self) -> dict[str, Any]:
        networks = self.networks()
        known = {id(part) for part in networks.values()}
        others = {n: v for n, v in vars(self).items() if id(v) not in known and _has_state(v)}
        return {**others, **networks}


def _is_plain(value: object) -> bool:
    plain = value is None or isinstance(value, bool | int | float | str)
    return plain and not isinstance(value, Enum)


def _has_state(value: object) -> bool:
    return all(callable(getattr(value, name, None)) for name in ("state_dict", "load_state_dict"))
