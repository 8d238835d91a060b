"""What an executor is, and all of them by name: `builtin`'s files, plug-ins, entry points."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from bench.registry import Registry

if TYPE_CHECKING:
    from bench.trials.experiment import Experiment

Stopping = Callable[[], bool]
"""True once a stop was asked for."""


class Executor(ABC):
    """What runs trials.

    Args:
        address: of the machines that do it, for an executor that has some besides this one.
    """

    width: ClassVar[int | None] = None
    """How many trials run at the same time by default; None is one a core."""

    def __init__(self, address: str | None = None) -> None:
        self.address = address

    def prepare(self, experiment: "Experiment", workers: int | None) -> int:
        """Make sure that the experiment's trials can run.

        Args:
            experiment: its trials are not written to the store yet.
            workers: how many trials the user wants at the same time; None where he does not say.

        Returns:
            How many there will be.

        Raises:
            UserError: they cannot run.
        """
        from bench.training import runtime

        runtime.require(experiment.precision, experiment.device)
        return workers or self.width or cores()

    @abstractmethod
    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        """Bring every trial to its end, ``workers`` at the same time.

        A trial is run by `bench.training.trial.run`, or in a process of its own by ``python -m
        bench.executors.worker FOLDER``. Both leave a trial alone that another sweep is training;
        it is asked for again later. A trial that has no end when this returns counts as failed.

        Args:
            folders: each holds the ``trial.json`` of a trial that no other sweep is training.
            stopping: once it is true no trial begins, and those that run are asked to stop at the
                end of their step: `trial.run` by its argument, a process by SIGTERM.
        """

    def close(self) -> None:  # noqa: B027
        """Give back what `prepare` took."""


_EXECUTORS: Registry[type[Executor]] = Registry(
    "executor", "bench.executors.builtin", "ganbench.executors"
)
get, names = _EXECUTORS.get, _EXECUTORS.names
_Registered = TypeVar("_Registered", bound=type[Executor])


def register(name: str) -> Callable[[_Registered], _Registered]:
    """Class decorator that makes an executor known under ``name``.

    Raises:
        UserError: the name is malformed or taken.
    """

    def remember(cls: _Registered) -> _Registered:
        _EXECUTORS.add(name, cls, cls.__module__)
        return cls

    return remember


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
