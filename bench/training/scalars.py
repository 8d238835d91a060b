"""What the steps report, averaged over windows so that a curve has at most 200 points."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Diverged(Exception):
    """A number that training depends on is NaN or infinite. The message names it and the step."""


class ScalarWindow:
    """Collects each step's named scalars without reading them back from the device."""

    def __init__(self, total_steps: int) -> None:
        self.length = max(1, math.ceil(total_steps / 200))
        self._steps: dict[str, list[int]] = {}
        self._values: dict[str, list[Tensor]] = {}

    def add(self, step: int, scalars: Mapping[str, Tensor]) -> None:
        for name, value in scalars.items():
            self._steps.setdefault(name, []).append(step)
            self._values.setdefault(name, []).append(value)

    def ends_with(self, step: int) -> bool:
        """Whether ``step``, counted from 0, is the window's last."""
        return (step + 1) % self.length == 0

    def means(self) -> dict[str, float]:
        """The window's means as ``train/<name>``; a new window begins.

        Raises:
            Diverged: a step of the window reported NaN or infinity.
        """
        stacked = {name: torch.stack(values).double() for name, values in self._values.items()}
        for name, values in stacked.items():
            if not values.isfinite().all():
                first = int((~values.isfinite()).nonzero()[0])
                raise Diverged(f"{name} is not finite at step {self._steps[name][first] + 1}")
        self._steps, self._values = {}, {}
        return {f"train/{name}": float(values.mean()) for name, values in stacked.items()}

    def state(self) -> dict[str, Any]:
        """An unfinished window, for the checkpoint."""
        return {
            name: {"steps": self._steps[name], "values": torch.stack(values)}
            for name, values in self._values.items()
        }

    def load(self, state: dict[str, Any], device: torch.device) -> None:
        """Restore what `state` returned; the steps to come report from ``device``."""
        self._steps = {name: list(part["steps"]) for name, part in state.items()}
        self._values = {n: list(part["values"].to(device).unbind()) for n, part in state.items()}


def gradient_norms(networks: Mapping[str, nn.Module], step: int) -> dict[str, float]:
    """The Euclidean norm of each network's last gradient, as ``train/grad_<network>``.

    Raises:
        Diverged: a gradient is not finite; the message names its parameter.
    """
    norms = {}
    for network, module in networks.items():
        gradients = {n: p.grad for n, p in module.named_parameters() if p.grad is not None}
        if gradients:
            each = torch.stack([gradient.norm() for gradient in gradients.values()])
            named = dict(zip(gradients, each, strict=True)) | {"": each.norm()}
            _demand_finite(named, f"gradient of {network}", step)
            norms[f"train/grad_{network}"] = float(each.norm())
    return norms


def check_weights(networks: Mapping[str, nn.Module], step: int) -> None:
    """Check that every weight and buffer is finite.

    Raises:
        Diverged: one is not; the message names it.
    """
    for network, module in networks.items():
        _demand_finite(module.state_dict(), f"weight of {network}", step)


def _demand_finite(tensors: Mapping[str, Tensor], what: str, step: int) -> None:
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise Diverged(f"{what} {name} is not finite at step {step}")
