"""How far a trial's event log has been mirrored into one experiment of one MLflow store."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from bench import paths
from bench.redaction import redact
from bench.tracking.database import identity
from bench.trials.event_log import line_ends_at, started


class SyncPosition:
    """``<trial>/published/<hash of (store, experiment)>.json``.

    MLflow's run of the trial, once it is known, and the bytes of the event log that it is known to
    hold. It belongs to one event log and one store: where either was made again or the log has
    lost lines, it starts at zero.
    """

    def __init__(self, trial_folder: Path, uri: str, experiment: str) -> None:
        name = hashlib.sha256(f"{redact(uri)}\n{experiment}".encode()).hexdigest()[:16]
        self.path = trial_folder / "published" / f"{name}.json"
        self._log = trial_folder / "journal.jsonl"
        self.uri = uri
        self.experiment = experiment
        self.reload()

    def reload(self) -> None:
        """Read what is committed; a `UserError` where the event log is damaged."""
        self.run_id: str | None = None
        self.offset = 0
        self._belongs_to = {"identity": identity(self.uri), "started": started(self._log)}
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            content = json.loads(self.path.read_text(encoding="utf-8"))
            ours = all(content[name] == value for name, value in self._belongs_to.items())
            if ours and line_ends_at(self._log, content["offset"]):
                self.run_id, self.offset = content["run_id"], content["offset"]

    def commit(self, run_id: str | None, offset: int) -> None:
        """Remember that everything before ``offset`` is in MLflow."""
        self.run_id, self.offset = run_id, offset
        self._belongs_to["identity"] = identity(self.uri)
        content = {"store": redact(self.uri), **self._belongs_to, "experiment": self.experiment}
        with paths.replacing(self.path, "w") as file:
            json.dump(content | {"run_id": run_id, "offset": offset}, file, indent=1)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from publishing this trial, and see what they have committed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with paths.lock(self.path.with_suffix(".lock")):
            self.reload()
            yield
