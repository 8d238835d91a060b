"""A trial's own record: one JSON line an event, appended before anything is sent anywhere.

Writing is idempotent: a trial that resumes from an older checkpoint repeats events that are already
there (bit for bit, since training is deterministic), and repeating one adds nothing.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import paths
from bench.errors import UserError
from bench.evaluation.identity import current

Entry = dict[str, Any]

_TAIL = 2**16  # bytes, which hold the last line of any log


class EventLog:
    """The event log of one trial, ``<trial folder>/journal.jsonl``.

    Events, each with ``time`` in milliseconds since 1970:

    * ``metrics``: ``step`` (real images shown), ``metrics`` (name to finite float)
    * ``image``: ``step``, ``key`` (the grid's name), ``file`` (PNG, relative to the trial folder)
    * ``artifact``: ``file`` (relative to the trial folder)
    * ``tags``: ``tags`` (name to string)
    * ``end``: ``status`` (done, diverged, failed or interrupted), ``reason`` (a sentence or null)
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        entries = list(read(self.path))
        self._seen = {_identity(entry) for entry, _ in entries}
        if self.path.exists():  # a crash may have left the last line half written
            os.truncate(self.path, entries[-1][1] if entries else 0)

    @property
    def size(self) -> int:
        """In bytes: where the next line will begin."""
        return self.path.stat().st_size if self.path.exists() else 0

    def clear(self) -> None:
        """Delete every event."""
        self.path.unlink(missing_ok=True)
        self._seen.clear()

    def metrics(self, step: int, metrics: dict[str, float]) -> None:
        self._append({"event": "metrics", "step": step, "metrics": metrics})

    def image(self, step: int, key: str, file: str) -> None:
        self._append({"event": "image", "step": step, "key": key, "file": file})

    def artifact(self, file: str) -> None:
        self._append({"event": "artifact", "file": file})

    def tags(self, tags: dict[str, str]) -> None:
        self._append({"event": "tags", "tags": tags})

    def end(self, status: str, reason: str | None = None) -> None:
        """Record that the trial stopped; an interrupted one may append more later."""
        self._append({"event": "end", "status": status, "reason": reason})

    def supplement(self, metrics: dict[str, float], tags: dict[str, str]) -> None:
        """Add numbers (at step 0) and tags to a trial that has ended; its end stays the last line.

        The file is replaced, so that a kill leaves all of it or none.

        Raises:
            UserError: the folder cannot be written.
        """
        end, now = ending(self.path), time.time_ns() // 1_000_000
        added = [
            {"event": "metrics", "step": 0, "metrics": metrics, "time": now} if metrics else None,
            {"event": "tags", "tags": tags, "time": now} if tags else None,
            end,
        ]
        lines = [json.dumps(entry, allow_nan=False) + "\n" for entry in added if entry]
        try:
            with paths.replacing(self.path) as file:
                file.write(self.path.read_bytes() + "".join(lines).encode())
        except OSError as error:
            raise paths.unwritable(self.path, error) from error

    def _append(self, entry: Entry) -> None:
        identity = _identity(entry)
        if identity in self._seen and entry["event"] != "end":
            return
        entry["time"] = time.time_ns() // 1_000_000
        line, whole = json.dumps(entry, allow_nan=False) + "\n", self.size
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self.path, whole)
            raise paths.unwritable(self.path, error) from error
        self._seen.add(identity)


def read(path: Path, offset: int = 0) -> Iterator[tuple[Entry, int]]:
    """The whole lines after byte ``offset``, each with the offset just behind it.

    Raises:
        UserError: a line is damaged.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield _entry(line, path, offset), offset


def _entry(line: bytes, path: Path, offset: int) -> Entry:
    try:
        entry: Entry = json.loads(line)
        entry["event"], int(entry["time"])
        if "metrics" in entry:
            entry["metrics"] = {current(name): value for name, value in entry["metrics"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged before byte {offset} ({error}): delete the folder {path.parent} "
            "and run the experiment again, which trains this trial again."
        ) from error
    return entry


def started(path: Path) -> int | None:
    """The time of the first line, which differs from that of another log in its place."""
    first = next(read(path), None)
    return None if first is None else int(first[0]["time"])


def line_ends_at(path: Path, offset: int) -> bool:
    """Whether a line ends just before this byte, as it does wherever reading stopped before."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, offset - 1))
            return offset == 0 or file.read(1) == b"\n"
    except FileNotFoundError:
        return offset == 0


def ending(path: Path) -> Entry | None:
    """The last line where it is an end; None for a log that is open, torn or gone."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            *_, last = file.read().splitlines(keepends=True)
        entry: Entry = json.loads(last)
        return entry if last.endswith(b"\n") and entry["event"] == "end" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _identity(entry: Entry) -> tuple[Any, ...]:
    names = sorted(entry.get("metrics") or entry.get("tags") or ())
    return (entry["event"], entry.get("step"), entry.get("key"), entry.get("file"), *names)
