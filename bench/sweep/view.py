"""What one sees while a sweep runs: a live table on a terminal, a line an event elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table

from bench.sweep.plan import Planned
from bench.training.status import Status

Standing = Sequence[tuple[Planned, Status]]


class View(Protocol):
    """Shown every half second, from `start` to `stop`."""

    def start(self) -> None: ...

    def show(self, standing: Standing, left: float | None) -> None: ...

    def stop(self) -> None: ...


def view(console: Console) -> View:
    """The live table where ``console`` is a terminal, plain lines otherwise."""
    return _Live(console) if console.is_terminal else _Lines(console)


def time_left(standing: Standing, workers: int) -> float | None:
    """Seconds until the sweep ends, from the pace of each variant so far; None before any is known.

    A variant that has not started is taken to be as fast as the mean of those that have.
    """
    paces = _paces(standing)
    if not paces:
        return None
    usual = sum(paces.values()) / len(paces)
    work = sum(
        paces.get(item.trial.variant, usual) * max(0, item.trial.budget - found.images)
        for item, found in standing
        if found.status not in ("done", "diverged", "failed")
    )
    return work / workers


def _paces(standing: Standing) -> Mapping[str, float]:
    """Seconds an image, measuring included, by variant over its trials that have shown any."""
    shown: dict[str, int] = {}
    spent: dict[str, float] = {}
    for item, found in standing:
        if found.images and found.seconds:
            name = item.trial.variant
            shown[name] = shown.get(name, 0) + found.images
            spent[name] = spent.get(name, 0.0) + found.seconds + found.measuring
    return {name: spent[name] / shown[name] for name in shown}


def duration(seconds: float | None) -> str:
    """``2 h 05 min``, ``7 min``, ``40 s``."""
    if seconds is None:
        return "not known yet"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _summary(standing: Standing, left: float | None) -> str:
    ended = sum(found.status in ("done", "diverged", "failed") for _, found in standing)
    return f"{ended} of {len(standing)} trials ended, time left: {duration(left)}"


class _Live:
    """One row a trial, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")

    def start(self) -> None:
        self._live.start()

    def show(self, standing: Standing, left: float | None) -> None:
        table = Table("trial", "state", caption=_summary(standing, left), caption_justify="left")
        for head in ("images", "", "FID", "modes"):
            table.add_column(head, justify="left" if head == "" else "right")
        for item, found in standing:
            share = min(1.0, found.images / item.trial.budget)
            table.add_row(
                item.trial.title,
                found.status,
                f"{found.images:,}",
                "━" * round(16 * share) + "─" * (16 - round(16 * share)),
                "" if found.fid is None else f"{found.fid:.2f}",
                "" if found.modes is None else str(found.modes),
            )
        self._live.update(table, refresh=True)

    def stop(self) -> None:
        self._live.stop()


class _Lines:
    """A line whenever a trial starts, is measured, or ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[str, tuple[object, ...]] = {}

    def start(self) -> None:
        """Nothing to prepare."""

    def show(self, standing: Standing, left: float | None) -> None:
        for item, found in standing:
            news = (found.status, found.fid, found.modes)
            if self._told.setdefault(item.trial.key, ("pending", None, None)) != news:
                self._told[item.trial.key] = news
                line = self._line(item, found, standing, left)
                self._console.print(line, highlight=False, soft_wrap=True)

    def _line(self, item: Planned, found: Status, standing: Standing, left: float | None) -> str:
        parts = [f"{item.trial.title}: {found.status}"]
        parts.append(f"{found.images:,} of {item.trial.budget:,} images")
        if found.fid is not None:
            parts.append(f"FID {found.fid:.2f}, modes {found.modes}")
        if found.reason:
            parts.append(found.reason)
        return "; ".join([*parts, _summary(standing, left)])

    def stop(self) -> None:
        """Nothing to put away."""
