"""Whether a variant would resume to the same bits: tried with two instances before a trial begins.

Both do the same steps, and half way the second takes over what the first one's state holds. Where
they differ afterwards, something that changes during training is not in the state
(`Algorithm.state`): a counter in a list, a running average in a tensor, a random stream.
"""

import contextlib
import io
import json
import random
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.datasets import Samples
from bench.errors import UserError
from bench.training import checkpoint
from bench.training.stepping import EagerStep
from bench.trials import Trial
from bench.variants import GAN, Algorithm, registry

_MOST_STEPS = 32
_CHECKED: set[str] = set()  # variants with their configuration and code, in this process
_CODE = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType)
_PLAIN = (bool, int, float, complex, str, bytes, type(None), Tensor, np.ndarray, np.generic)
_OF_MODULES = frozenset(vars(nn.Module()))

Leaves = dict[str, Any]
"""Plain values and tensors by where they are: ``self.averages[0]``."""


def check(trial: Trial, samples: Samples) -> None:
    """Try it, once a process for a variant and its configuration; no random stream moves.

    Args:
        trial: what is to be trained.
        samples: what it is trained on.

    Raises:
        UserError: it would not; the sentence names what is not saved, where that can be found.
    """
    variant = trial.variant
    asked = json.dumps([variant, dict(trial.configuration), registry.digests(variant)])
    if asked in _CHECKED:
        return
    with (
        torch.random.fork_rng(devices=[]),
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        problem = _problem(trial, samples)
    if problem:
        raise UserError(
            f"The variant '{variant}' would not resume to the same numbers after a stop: {problem}."
        )
    _CHECKED.add(asked)


def _problem(trial: Trial, samples: Samples) -> str | None:
    first, second = _Instance(trial, samples), _Instance(trial, samples)
    by_nature = _differences(first.held(), second.held())  # a time of day, an id
    if not first.advance():
        return None  # the trial will meet the same error, and its record will say which
    try:
        second.algorithm.load(checkpoint.copied(first.algorithm.state()))
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        return f"what state() returns cannot be saved and given to load() ({why})"
    unsaved = _differences(first.held(), second.held()) - by_nature
    outside = first.outside()
    second.index = first.index
    if not first.advance():
        return None
    if not second.advance():
        return "a step fails after load()"
    if lost := unsaved & _differences(first.held(), second.held()):
        return (
            f"{_foremost(lost)} changes during training and is not saved; return it from state() "
            "and set it in load()"
        )
    if lost := _differences(outside, first.outside()):
        return f"{min(lost)} changes during training; keep it in an attribute of self instead"
    if lost := _differences(first.results(), second.results()):
        return (
            f"{min(lost)} differs then; draw random numbers with torch's default generator only, "
            "and keep everything that changes in attributes of self"
        )
    return None


def _foremost(paths: set[str]) -> str:
    """One of them, of the variant's own attributes before those of its networks."""
    return min(paths, key=lambda path: (path.startswith(("self.G", "self.D", "self.opt")), path))


class _Instance:
    """A variant as the trial would build it, and its first steps."""

    def __init__(self, trial: Trial, samples: Samples) -> None:
        # In the usual precision, on the processor.
        self._stepper = EagerStep(trial.under(precision="fp32", device="cpu"), samples)
        self.algorithm: Algorithm = self._stepper.algorithm
        every = getattr(self.algorithm, "n_critic", self.algorithm.cycle or 1)
        self._steps = min(every + 1, _MOST_STEPS)
        self.index, self._scalars = 0, dict[str, Tensor]()

    def advance(self) -> bool:
        """Do a cycle of steps and one more; False where one fails."""
        for _ in range(self._steps):
            try:
                measured = self._stepper.step(self.index)
            except Exception:
                return False
            self._scalars |= {f"its {name}": value for name, value in measured.items()}
            self.index += 1
        return True

    def held(self) -> Leaves:
        held = vars(self.algorithm).items()
        return {p: v for name, part in held for p, v in _leaves(part, f"self.{name}")}

    def results(self) -> Leaves:
        networks = self.algorithm.networks()
        weights = {f"the {name}": net.state_dict() for name, net in networks.items()}
        return self._scalars | dict(_leaves(weights, ""))

    def outside(self) -> Leaves:
        """Copies of what the variant's classes and files hold, which all instances share."""
        ours = [cls for cls in type(self.algorithm).__mro__ if cls not in GAN.__mro__]
        places: dict[str, Mapping[str, Any]] = {cls.__name__: vars(cls) for cls in ours}
        places |= {f"the global {m}": vars(sys.modules[m]) for m in {c.__module__ for c in ours}}
        found = [leaf for name, values in places.items() for leaf in _shared(values, name)]
        return {path: _copied(value) for path, value in found}


def _shared(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    kinds = (*_PLAIN, dict, list, set, random.Random, torch.Generator, np.random.Generator)
    for name, value in values.items():
        if isinstance(value, kinds) and not name.startswith("__"):
            place = f"the global {name}" if path.startswith("the global") else f"{path}.{name}"
            yield from _leaves(value, place)


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _leaves(
    value: Any, path: str, above: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Every plain value and tensor in ``value``, however deep; code and what is no data is left."""
    if isinstance(value, _PLAIN):
        yield path, value
    elif not isinstance(value, _CODE) and id(value) not in above:
        for name, part in _parts(value):
            yield from _leaves(part, path + name, above | {id(value)})


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, torch.Generator):
        yield "", value.get_state()
    elif isinstance(value, random.Random):
        yield "", str(value.getstate())
    elif isinstance(value, np.random.Generator):
        yield "", str(value.bit_generator.state)
    elif isinstance(value, nn.Module):
        own = {n: part for n, part in vars(value).items() if n not in _OF_MODULES}
        for members in (value._parameters, value._buffers, value._modules, own):
            yield from ((f".{name}", part) for name, part in members.items())
    elif isinstance(value, dict):
        yield "", len(value)
        plain = [k if isinstance(k, str | int) else i for i, k in enumerate(value)]
        yield from ((f"[{k!r}]", part) for k, part in zip(plain, value.values(), strict=True))
    elif isinstance(value, set | frozenset):
        yield "", repr(sorted(map(repr, value)))
    elif isinstance(value, list | tuple | deque):
        yield "", len(value)
        yield from ((f"[{i}]", part) for i, part in enumerate(value))
    elif hasattr(value, "__dict__") and not _of_python(value):
        yield from ((f".{name}", part) for name, part in vars(value).items())
    else:
        text = repr(value)  # a counter of itertools says how far it is
        yield "", "" if " at 0x" in text else text


def _of_python(value: Any) -> bool:
    """Whether it is of the standard library, where a logger leads to all others."""
    return type(value).__module__.partition(".")[0] in sys.stdlib_module_names


def _differences(one: Leaves, other: Leaves) -> set[str]:
    paths = one.keys() | other.keys()
    return {p for p in paths if p not in one or p not in other or not _same(one[p], other[p])}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        alike = one.shape == other.shape and one.dtype == other.dtype
        return alike and bool(((one == other) | ((one != one) & (other != other))).all())
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, Tensor | np.ndarray) or isinstance(other, Tensor | np.ndarray):
        return False
    return bool(one == other or (one != one and other != other))
