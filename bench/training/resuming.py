"""Whether a variant would resume to the same bits: tried with two instances before a trial begins.

Both do the same steps, and half way the second takes over what the first one's state holds. Where
they differ afterwards, something that changes during training is not in the state
(`Algorithm.state`): a counter in a list, a running average in a tensor, a random stream.
"""

import contextlib
import hashlib
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
from bench.training.step import EagerStep
from bench.trials import Trial
from bench.variants import GAN, registry

_MOST_STEPS = 32
_CHECKED: set[str] = set()  # variants with their configuration and code, in this process
_CODE = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType)
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_ARRAYS = (Tensor, np.ndarray, np.generic)
_STREAMS = (torch.Generator, random.Random, np.random.Generator)
_SEQUENCES = (list, tuple, deque)
_OF_MODULES = frozenset(vars(nn.Module()))

Leaves = dict[str, str]
"""A text for each value, the same for equal values only, by where it is: ``self.averages[0]``."""


def check(trial: Trial, samples: Samples) -> None:
    """Try it, once a process for a variant and its configuration; no random stream moves.

    Raises:
        UserError: it would not; the sentence names what is not saved, where that can be found.
    """
    variant = trial.algorithm
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
        content = checkpoint.encoded(first.algorithm.state())
        second.algorithm.load(checkpoint.decoded(content))
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
            f"{min(lost)} differs; draw random numbers with torch's default generator only, "
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
        self._step = EagerStep(trial.under(precision="fp32", device="cpu"), samples)
        self.algorithm = self._step.algorithm
        cycle = getattr(self.algorithm, "n_critic", self.algorithm.cycle or 1)
        self._steps = min(cycle + 1, _MOST_STEPS)
        self.index, self._scalars = 0, dict[str, Tensor]()

    def advance(self) -> bool:
        """Do a cycle of steps and one more; False where one fails."""
        for _ in range(self._steps):
            try:
                scalars = self._step(self.index)
            except Exception:
                return False
            self._scalars |= scalars
            self.index += 1
        return True

    def held(self) -> Leaves:
        return _all_leaves("self.", vars(self.algorithm))

    def results(self) -> Leaves:
        networks = self.algorithm.networks()
        weights = {f"the {name}": net.state_dict() for name, net in networks.items()}
        return _all_leaves("the scalar ", self._scalars) | _all_leaves("", weights)

    def outside(self) -> Leaves:
        """What the variant's classes and files hold, which all instances share."""
        kinds = (*_PLAIN, *_ARRAYS, *_STREAMS, *_SEQUENCES, dict, set)
        leaves: Leaves = {}
        for cls in type(self.algorithm).__mro__:
            if cls not in GAN.__mro__:
                places = {f"{cls.__name__}.": cls, "the global ": sys.modules[cls.__module__]}
                for place, owner in places.items():
                    data = {n: v for n, v in vars(owner).items() if isinstance(v, kinds)}
                    leaves |= _all_leaves(place, {n: data[n] for n in data if n[:2] != "__"})
        return leaves


def _all_leaves(place: str, values: Mapping[str, Any]) -> Leaves:
    return {p: leaf for n, value in values.items() for p, leaf in _leaves(value, place + n)}


def _leaves(
    value: Any, path: str, above: frozenset[int] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Every plain value and tensor in ``value``, however deep; code and what is no data is left."""
    if isinstance(value, _CODE) or id(value) in above:
        return
    parts = _parts(value)
    yield path, _text(value) if parts is None else f"{len(parts)} parts"
    for name, part in (parts or {}).items():
        yield from _leaves(part, path + name, above | {id(value)})


def _parts(value: Any) -> dict[str, Any] | None:
    """The attributes or elements of a value; None where it has none that matter."""
    if isinstance(value, nn.Module):
        own = {name: part for name, part in vars(value).items() if name not in _OF_MODULES}
        parts = {**value._parameters, **value._buffers, **value._modules, **own}
        return {f".{name}": part for name, part in parts.items()}
    if isinstance(value, dict):
        names = [key if isinstance(key, str | int) else i for i, key in enumerate(value)]
        return {f"[{n!r}]": part for n, part in zip(names, value.values(), strict=True)}
    if isinstance(value, _SEQUENCES):
        return {f"[{i}]": part for i, part in enumerate(value)}
    data = isinstance(value, (*_PLAIN, *_ARRAYS, *_STREAMS))
    # In the standard library a logger leads to all others.
    of_python = type(value).__module__.partition(".")[0] in sys.stdlib_module_names
    if data or of_python or not hasattr(value, "__dict__"):
        return None
    return {f".{name}": part for name, part in vars(value).items()}


def _text(value: Any) -> str:
    if isinstance(value, torch.Generator):
        value = value.get_state()
    if isinstance(value, random.Random):
        return str(value.getstate())
    if isinstance(value, np.random.Generator):
        return str(value.bit_generator.state)
    if isinstance(value, Tensor):
        content = value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
        return f"{value.dtype} {value.shape} {hashlib.sha256(content).hexdigest()}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {value.tobytes()!r}"
    if isinstance(value, set | frozenset):
        return str(sorted(map(repr, value)))
    # A counter of itertools says how far it is; other objects only where they are.
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return "" if " at 0x" in text else text


def _differences(first: Leaves, second: Leaves) -> set[str]:
    return {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
