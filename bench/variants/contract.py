"""What a variant is: an `Algorithm`, and the alternating game of a `GAN` written once."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from bench.nn import BATCH_NORMS, frozen

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

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        for name, value in configuration.items():
            setattr(self, name, value)

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from one batch and return named scalars; ``loss_d`` and ``loss_g`` mark the steps
        of discriminator and generator."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """(n, *shape) float32 like real samples, by the evaluation stream; changes no state.

        The stream is the processor's wherever the networks are, so that it is the same everywhere.
        """

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name; ``generator`` is the one that is kept at the end."""

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
        for network in self.networks().values():
            network.to(device)

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Nested dicts and lists of tensors, numbers and texts: all that the next step depends on.

        A trial is refused where it is not (`bench.training.resuming`).
        """

    @abstractmethod
    def load(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""


class GAN(Algorithm):
    """Two networks in alternation (Goodfellow et al. 2014, Algorithm 1, with k = ``n_critic``).

    One step shows one batch of real images to the discriminator; every ``n_critic``-th step also
    moves the generator. A variant states only what differs.
    """

    n_critic: Count = 1

    reuse_fakes: ClassVar[bool] = False
    """Whether the generator's step uses the very fakes of the discriminator's step before it."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        super().__init__(configuration)
        self.G, self.D = self.generator(), self.discriminator()
        self.optimizer_d, self.optimizer_g = self.optimizers()
        # Batch norm would mix the statistics of real and fake images in a joint pass.
        self._joint = not any(isinstance(m, BATCH_NORMS) for m in self.D.modules())

    @abstractmethod
    def generator(self) -> nn.Module:
        """A network from (N, latent) to samples (N, *shape)."""

    @abstractmethod
    def discriminator(self) -> nn.Module:
        """A network from samples (N, *shape) to logits, (N,) or (N, 1)."""

    @abstractmethod
    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss from the logits of real and fake images."""

    @abstractmethod
    def g_loss(self, fake: Tensor) -> Tensor:
        """The generator's loss from the logits of fake images."""

    @abstractmethod
    def optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        """The optimisers of discriminator and generator, in this order."""

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor | None:
        """A term added to the discriminator's loss, weighted; None where the paper has none."""
        return None

    def constrain(self, discriminator: nn.Module) -> None:
        """What the paper asks for after each discriminator step (weight clipping)."""

    @property
    def cycle(self) -> int | None:
        ours = type(self).step is GAN.step and type(self).d_step is GAN.d_step
        return self.n_critic if ours and type(self).g_step is GAN.g_step else None

    def to(self, device: torch.device) -> None:
        super().to(device)
        for optimizer in (self.optimizer_d, self.optimizer_g):
            for group in optimizer.param_groups:
                # Otherwise a recorded step would repeat the first one's bias correction.
                if "capturable" in group:
                    group["capturable"] = device.type == "cuda"

    def step(self, batch: Batch) -> dict[str, Tensor]:
        due = (batch.index + 1) % self.n_critic == 0
        with torch.set_grad_enabled(due and self.reuse_fakes):
            fake: Tensor = self.G(batch.latents[0])
        measured = self.d_step(batch.real, fake.detach())
        if due:
            measured |= self.g_step(fake if self.reuse_fakes else self.G(batch.latents[1]))
        return measured

    def d_step(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """One step of the discriminator; the generator is not touched."""
        on_real, on_fake = self._logits(real, fake)
        loss = self.d_loss(on_real, on_fake)
        penalty = self.penalty(real, fake)
        total = loss if penalty is None else loss + penalty
        self._descend(self.optimizer_d, total)
        self.constrain(self.D)
        measured = {"loss_d": total, "logit_real": on_real.mean(), "logit_fake": on_fake.mean()}
        return {name: value.detach() for name, value in measured.items()}

    def g_step(self, fake: Tensor) -> dict[str, Tensor]:
        """One step of the generator through ``fake``; the discriminator is not touched."""
        with frozen(self.D):
            loss = self.g_loss(self._judged(fake))
            self._descend(self.optimizer_g, loss)
        return {"loss_g": loss.detach()}

    def _logits(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        if not self._joint:
            return self._judged(real), self._judged(fake)
        both = self._judged(torch.cat([real, fake]))
        return both[: len(real)], both[len(real) :]

    def _judged(self, images: Tensor) -> Tensor:
        """The discriminator's logits, in fp32 at least, so that a loss is as exact in bf16."""
        logits: Tensor = self.D(images)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    @staticmethod
    def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.generate(torch.randn(n, self.latent, generator=generator))

    def generate(self, latents: Tensor) -> Tensor:
        """The images of latents (N, latent), in eval mode; changes no state."""
        modes = {module: module.training for module in self.G.modules()}
        where = next(self.G.parameters()).device
        blocks = torch.split(latents.to(where), _SAMPLING_BLOCK)
        self.G.eval()
        try:
            with torch.no_grad():
                return torch.cat([self.G(block) for block in blocks])
        finally:
            for module, training in modes.items():
                module.training = training

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.G, "discriminator": self.D}

    def state(self) -> dict[str, Any]:
        """The networks, the optimisers, and each attribute that is a number, a text or None or has
        a ``state_dict`` (a scheduler, a moving average of the weights)."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        plain = {name: value for name, value in vars(self).items() if _is_plain(value)}
        return {**parts, "attributes": plain}

    def load(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        vars(self).update(state.get("attributes", {}))  # absent from a checkpoint of old

    def _parts(self) -> dict[str, Any]:
        optimizers = {"optimizer_d": self.optimizer_d, "optimizer_g": self.optimizer_g}
        parts = {**self.networks(), **optimizers}
        known = {id(part) for part in parts.values()}
        others = {n: v for n, v in vars(self).items() if id(v) not in known and _has_state(v)}
        return {**others, **parts}


def _is_plain(value: object) -> bool:
    plain = value is None or isinstance(value, bool | int | float | str)
    return plain and not isinstance(value, Enum)


def _has_state(value: object) -> bool:
    return all(callable(getattr(value, name, None)) for name in ("state_dict", "load_state_dict"))
