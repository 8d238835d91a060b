"""What one sees while a sweep runs: a live table on a terminal, a line an event elsewhere."""

from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.executors.forecast import Standing
from bench.executors.plan import Planned
from bench.trials.status import Status

_STOPPING = "Stopping: the trials that run write down how far they are."


class Display(Protocol):
    """Shown every half second, from `start` to `stop`."""

    def start(self) -> None: ...

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None: ...

    def stop(self) -> None: ...


def view(console: Console) -> Display:
    """The live table where ``console`` is a terminal, plain lines otherwise."""
    return _Live(console) if console.is_terminal else _Lines(console)


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``7 min``, ``40 s``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _summary(standing: Standing, left: float | None) -> str:
    ended = sum(status.status in ("done", "diverged", "failed") for _, status in standing)
    summary = f"{ended} of {len(standing)} trials ended"
    if ended == len(standing):
        return summary
    if left is None:
        return f"{summary}, time left not known yet"
    return f"{summary}, about {duration(left)} left"


class _Live:
    """One row a trial, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")

    def start(self) -> None:
        self._live.start()

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None:
        caption = _STOPPING if stopping else _summary(standing, left)
        table = Table("trial", "state", caption=caption, caption_justify="left")
        for head in ("images", "", "FID", "modes"):
            table.add_column(head, justify="left" if head == "" else "right")
        for item, found in standing:
            share = min(1.0, found.images / item.trial.budget)
            table.add_row(
                Text(item.trial.title),
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
    """A sentence whenever a trial starts, is measured, or ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed: dict[str, tuple[object, ...]] = {}
        self._stopping = False

    def start(self) -> None:
        """Nothing to prepare."""

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None:
        if stopping and not self._stopping:
            self._stopping = True
            self._print(_STOPPING)
        for item, status in standing:
            news = (status.status, status.fid, status.modes)
            before = self._printed.setdefault(item.trial.key, ("pending", None, None))
            if before != news:
                self._printed[item.trial.key] = news
                begins = status.status == "running" != before[0]
                self._print(_sentence(item, status, _summary(standing, left), begins=begins))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """Nothing to put away."""


def _sentence(item: Planned, status: Status, summary: str, *, begins: bool) -> str:
    """``wgan seed 0 has FID 21.38 and 10 modes after 200,000 of 1,000,000 images (…).``"""
    event = _event(status, f"{status.images:,} of {item.trial.budget:,} images", begins=begins)
    end = f": {status.reason}" if status.reason else "."
    return f"{item.trial.title} {event} ({summary}){end}"


def _event(status: Status, images: str, *, begins: bool) -> str:
    numbers = f"FID {status.fid or 0:.2f} and {_count(status.modes or 0, 'mode')}"
    if begins:
        return f"resumes after {images}" if status.images else "starts"
    return {
        "running": f"has {numbers} after {images}",
        "done": f"is done with {numbers} after {images}",
        "interrupted": f"was interrupted after {images}",
    }.get(status.status, f"{status.status} after {images}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
