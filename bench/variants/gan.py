"""The alternating game of a `GAN`, written once."""

import copy
from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.nn import BATCH_NORMS, frozen, update_average
from bench.variants.contract import Algorithm, Batch, Configuration, Count, Labels


class GAN(Algorithm):
    """Two networks in alternation (Goodfellow et al. 2014, Algorithm 1, with k = ``n_critic``).

    One step shows one batch of real samples to the discriminator; every ``n_critic``-th step also
    moves the generator. A variant states only what differs: its losses (often a mixin of
    `bench.nn`), its networks, its optimiser, and these switches.
    """

    n_critic: Count = 1

    reuse_fakes: ClassVar[bool] = False
    """Whether the generator's step uses the very fakes of the discriminator's step before it."""
    joint_pass: ClassVar[bool] = True
    """Whether the discriminator sees real and fake in one pass. False where samples of one pass
    influence each other (batch norm, minibatch discrimination)."""
    relativistic: ClassVar[bool] = False
    """Whether the generator's loss needs the logits of real samples."""
    pack: ClassVar[int] = 1
    """How many samples of one kind the discriminator judges as one (`packed_shape`)."""
    ema: ClassVar[float] = 0.0
    """The decay a generator step of the moving average that is sampled in G's place; 0: none."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.G = self.generator()
        self.D: Any = self.discriminator()  # which may have methods of its own
        self.optimizer_d, self.optimizer_g = self.optimizer(self.D), self.optimizer(self.G)
        if self.ema:
            self.average = copy.deepcopy(self.G).requires_grad_(False)
        if problem := self._contradiction():
            raise UserError(f"The class {type(self).__name__} cannot be trained: {problem}.")

    def _contradiction(self) -> str | None:
        if self.joint_pass and any(isinstance(m, BATCH_NORMS) for m in self.D.modules()):
            return (
                "batch norm in its discriminator would mix real and fake samples of a joint pass, "
                "so set joint_pass = False"
            )
        if self.conditional and not self.classes:
            return "it is conditional and the data set has no labels, so choose another data set"
        if self.conditional and self.pack > 1:
            return "it is conditional and packs samples, so set pack = 1"
        return None

    @property
    def packed_shape(self) -> tuple[int, ...]:
        """What the discriminator sees of a sample, or of ``pack`` samples joined along channels."""
        return (self.pack * self.shape[0], *self.shape[1:])

    @abstractmethod
    def generator(self) -> nn.Module:
        """A network from (N, latent) to samples (N, *shape)."""

    @abstractmethod
    def discriminator(self) -> nn.Module:
        """A network from samples (N, *packed_shape) to logits, (N,) or (N, 1)."""

    @abstractmethod
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of a network; two time scales are an ``if network is self.D``."""

    @abstractmethod
    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss from the logits of real and fake samples."""

    @abstractmethod
    def g_loss(self, real: Any, fake: Tensor) -> Tensor:
        """The generator's loss from the logits of real and fake samples.

        ``real`` is None unless ``relativistic``: those logits cost another pass.
        """

    def penalty(
        self, real: Tensor, fake: Tensor, step: int, labels: Labels = None
    ) -> Tensor | None:
        """A term added to the discriminator's loss, weighted; None where the paper has none.

        Args:
            real: (N, *packed_shape), as the discriminator sees it.
            fake: the same, detached.
            step: from 0. Where the term depends on it, set `cycle` to the period, or to None.
            labels: (N,) int64, of real and fake alike; given to a conditional variant only.
        """
        return None

    def g_objective(self, fake: Tensor, real: Tensor, labels: Labels, latents: Tensor) -> Tensor:
        """What the generator minimises, ``g_loss`` by default; its own terms are added here.

        Args:
            fake: (B, *shape), through which the gradient flows; the discriminator is held still.
            real: (B, *shape).
            labels: (B,) int64, of real and fake alike; None unless ``conditional``.
            latents: (B, latent) that ``fake`` was made of.
        """
        on_real = None
        if self.relativistic:
            with torch.no_grad():
                on_real = self._judged(self._packed(real), labels)
        return self.g_loss(on_real, self._judged(self._packed(fake), labels))

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
        labels = batch.labels if self.conditional else None
        latents = batch.latents[0]
        with torch.set_grad_enabled(due and self.reuse_fakes):
            fake: Tensor = self.G(*self.inputs(latents, labels))
        measured = self.d_step(batch.real, fake.detach(), labels, batch.index)
        if due:
            if not self.reuse_fakes:
                latents = batch.latents[1]
                fake = self.G(*self.inputs(latents, labels))
            measured |= self.g_step(fake, batch.real, labels, latents)
        return measured

    def d_step(
        self, real: Tensor, fake: Tensor, labels: Labels = None, step: int = 0
    ) -> dict[str, Tensor]:
        """One step of the discriminator; the generator is not touched."""
        real, fake = self._packed(real), self._packed(fake)
        on_real, on_fake = self._logits(real, fake, labels)
        loss = self.d_loss(on_real, on_fake)
        condition = () if labels is None else (labels,)
        penalty = self.penalty(real, fake, step, *condition)
        total = loss if penalty is None else loss + penalty
        self.descend(self.optimizer_d, total)
        self.constrain(self.D)
        measured = {"loss_d": total, "logit_real": on_real.mean(), "logit_fake": on_fake.mean()}
        return {name: value.detach() for name, value in measured.items()}

    def g_step(
        self, fake: Tensor, real: Tensor, labels: Labels, latents: Tensor
    ) -> dict[str, Tensor]:
        """One step of the generator through ``fake``; the discriminator is not touched."""
        with frozen(self.D):
            objective = self.g_objective(fake, real, labels, latents)
            measured = self.descend(self.optimizer_g, objective)
        if self.ema:
            update_average(self.average, self.G, self.ema)
        return measured

    def _packed(self, samples: Tensor) -> Tensor:
        if self.pack == 1:
            return samples
        if len(samples) % self.pack:
            raise UserError(
                f"A batch of {len(samples)} cannot be cut into packs of {self.pack}: choose a "
                "batch that is a multiple of it."
            )
        return samples.reshape(-1, *self.packed_shape)

    def _logits(self, real: Tensor, fake: Tensor, labels: Labels) -> tuple[Tensor, Tensor]:
        if not self.joint_pass:
            return self._judged(real, labels), self._judged(fake, labels)
        twice = None if labels is None else torch.cat([labels, labels])
        both = self._judged(torch.cat([real, fake]), twice)
        return both[: len(real)], both[len(real) :]

    def _judged(self, samples: Tensor, labels: Labels) -> Tensor:
        """The discriminator's logits, in fp32 at least, so that a loss is as exact in bf16."""
        logits: Tensor = self.D(samples) if labels is None else self.D(samples, labels)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    @property
    def sampler(self) -> nn.Module:
        return self.average if self.ema else self.G

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.G, "discriminator": self.D}
