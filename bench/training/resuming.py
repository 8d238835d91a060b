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

Leaves = dict[str, Any]
"""Plain values and tensors by where they are: ``self.averages[0]``."""


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
            self._scalars |= {f"its {name}": value for name, value in scalars.items()}
            self.index += 1
        return True

    def held(self) -> Leaves:
        attributes = vars(self.algorithm).items()
        return {p: leaf for n, value in attributes for p, leaf in _leaves(value, f"self.{n}")}

    def results(self) -> Leaves:
        networks = self.algorithm.networks()
        weights = {f"the {name}": net.state_dict() for name, net in networks.items()}
        return self._scalars | dict(_leaves(weights, ""))

    def outside(self) -> Leaves:
        """Copies of what the variant's classes and files hold, which all instances share."""
        ours = [cls for cls in type(self.algorithm).__mro__ if cls not in GAN.__mro__]
        places: list[tuple[str, Mapping[str, Any]]] = [
            (f"{cls.__name__}.", vars(cls)) for cls in ours
        ]
        places += [("the global ", vars(sys.modules[m])) for m in {c.__module__ for c in ours}]
        kinds = (*_PLAIN, *_ARRAYS, *_STREAMS, *_SEQUENCES, dict, set)
        return {
            path: leaf.clone() if isinstance(leaf, Tensor) else leaf
            for place, values in places
            for name, value in values.items()
            if isinstance(value, kinds) and not name.startswith("__")
            for path, leaf in _leaves(value, f"{place}{name}")
        }


def _leaves(
    value: Any, path: str, above: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Every plain value and tensor in ``value``, however deep; code and what is no data is left."""
    if isinstance(value, _CODE) or id(value) in above:
        return
    parts = _parts(value)
    yield path, _plain(value) if parts is None else len(parts)
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
    if data or not hasattr(value, "__dict__") or _of_python(value):
        return None
    return {f".{name}": part for name, part in vars(value).items()}


def _of_python(value: Any) -> bool:
    """Whether it is of the standard library, where a logger leads to all others."""
    return type(value).__module__.partition(".")[0] in sys.stdlib_module_names


def _plain(value: Any) -> Any:
    """A tensor, or a text that is the same for equal values."""
    if isinstance(value, torch.Generator):
        return value.get_state()
    if isinstance(value, random.Random):
        return str(value.getstate())
    if isinstance(value, np.random.Generator):
        return str(value.bit_generator.state)
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {value.tobytes()!r}"
    if isinstance(value, set | frozenset):
        return str(sorted(map(repr, value)))
    if isinstance(value, Tensor):
        return value
    # A counter of itertools says how far it is; other objects only where they are.
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return "" if " at 0x" in text else text


def _differences(first: Leaves, second: Leaves) -> set[str]:
    paths = first.keys() | second.keys()
    return {p for p in paths if not _same(first.get(p), second.get(p))}


def _same(first: Any, second: Any) -> bool:
    """Equal to the bit, NaN included; None is for what is not there."""
    if not (isinstance(first, Tensor) and isinstance(second, Tensor)):
        return type(first) is type(second) and bool(first == second)
    alike = first.shape == second.shape and first.dtype == second.dtype
    return alike and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)
