"""What one sees while a sweep runs: a live table on a terminal, a line an event elsewhere."""

from contextlib import nullcontext

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from bench.executors.plan import Planned, Standing
from bench.trials.status import Status

_AROUND = 6
"""Lines of a live table that are no trials."""
_FEWEST = 10
_STOPPING = "Stopping: each running trial saves its state."


def count(number: int, noun: str) -> str:
    """``1 trial``, ``3 trials``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``7 min``, ``40 s``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def news_of(status: Status) -> tuple[object, ...]:
    """What changes when a trial starts, is evaluated, or ends."""
    return status.status, status.fid, status.modes


def _summary(standing: Standing, left: float | None) -> str:
    ended = sum(status.status in ("done", "diverged", "failed") for _, status in standing)
    phase = next((f"{item.phase} phase: " for item, _ in standing if item.phase), "")
    summary = f"{phase}{ended} of {count(len(standing), 'trial')} ended"
    if ended == len(standing):
        return summary
    return f"{summary}, {'time left unknown' if left is None else f'about {duration(left)} left'}"


class LiveTable(Live):
    """One row a trial, redrawn in place while a ``with`` block runs."""

    def __init__(self, console: Console) -> None:
        super().__init__(console=console, auto_refresh=False, vertical_overflow="ellipsis")

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None:
        caption = _STOPPING if stopping else _summary(standing, left)
        images, fid, modes = (Column(head, justify="right") for head in ("images", "FID", "modes"))
        head = ("trial", "state", images, "", fid, modes)
        table = Table(*head, caption=caption, caption_justify="left")
        for item, status in self._fitting(standing):
            bar = round(16 * min(1.0, status.images / item.trial.budget))
            table.add_row(
                Text(item.trial.title),
                status.status,
                f"{status.images:,}",
                "━" * bar + "─" * (16 - bar),
                "" if status.fid is None else f"{status.fid:.2f}",
                "" if status.modes is None else str(status.modes),
            )
        self.update(table, refresh=True)

    def _fitting(self, standing: Standing) -> Standing:
        """All trials, or where the terminal has no room for them those that run."""
        if len(standing) <= max(_FEWEST, self.console.height - _AROUND):
            return standing
        return [pair for pair in standing if pair[1].status == "running"]


class Lines(nullcontext[None]):
    """A sentence whenever a trial starts, is evaluated, or ends."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._before: dict[str, Status] = {}
        self._stopping = False

    def show(self, standing: Standing, left: float | None, *, stopping: bool = False) -> None:
        if stopping and not self._stopping:
            self._stopping = True
            self._print(_STOPPING)
        for item, status in standing:
            before = self._before.get(item.trial.key, Status())
            self._before[item.trial.key] = status
            if news_of(before) != news_of(status):
                event = _event(item, before, status)
                end = f": {status.reason}" if status.reason else "."
                self._print(f"{item.trial.title} {event} ({_summary(standing, left)}){end}")

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


Display = LiveTable | Lines


def view(console: Console) -> Display:
    """The live table where ``console`` is a terminal, plain lines otherwise."""
    return LiveTable(console) if console.is_terminal else Lines(console)


def _event(item: Planned, before: Status, status: Status) -> str:
    """``has FID 21.38 and 10 modes after 200,000 of 1,000,000 images``."""
    after = f"after {status.images:,} of {item.trial.budget:,} images"
    if status.status == "running" != before.status:
        return f"resumes {after}" if status.images else "starts"
    fid = [] if status.fid is None else [f"FID {status.fid:.2f}"]
    modes = [] if status.modes is None else [count(status.modes, "mode")]
    numbers = " and ".join([*fid, *modes])
    return {
        "running": f"has {numbers} {after}",
        "done": f"is done with {numbers} {after}" if numbers else f"is done {after}",
        "interrupted": f"was interrupted {after}",
    }.get(status.status, f"{status.status} {after}")
