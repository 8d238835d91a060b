"""What runs trials, by name, and the sweep around it; importing this loads nothing heavy."""

from bench.executors.executor import Executor, Stopping, cores, get, names, register

__all__ = ["Executor", "Stopping", "cores", "get", "names", "register"]
