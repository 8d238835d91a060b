"""How far a trial's journal has been mirrored into one experiment of one MLflow store."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from bench import store
from bench.tracking.store import identity, locked, shown


class Cursor:
    """``<trial>/published/<hash of (store, experiment)>.json``.

    Attributes:
        run_id: MLflow's run of the trial; None until it is known to exist.
        offset: bytes of the journal that MLflow is known to hold.
    """

    def __init__(self, trial_folder: Path, uri: str, experiment: str) -> None:
        name = hashlib.sha256(f"{uri}\n{experiment}".encode()).hexdigest()[:16]
        self.path = trial_folder / "published" / f"{name}.json"
        self.uri = uri
        self.experiment = experiment
        self.reload()

    def reload(self) -> None:
        """Read what is committed. A sqlite file made anew in place of another starts at zero."""
        self.run_id: str | None = None
        self.offset = 0
        self._store = identity(self.uri)
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["identity"] == self._store:
                self.run_id, self.offset = content["run_id"], content["offset"]

    def commit(self, run_id: str | None, offset: int) -> None:
        """Remember that everything before ``offset`` is in MLflow."""
        self.run_id, self.offset, self._store = run_id, offset, identity(self.uri)
        content = {
            "store": shown(self.uri),
            "identity": self._store,
            "experiment": self.experiment,
            "run_id": run_id,
            "offset": offset,
        }
        with store.replacing(self.path, "w") as file:
            json.dump(content, file, indent=1)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from publishing this trial, and see what they have committed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.with_suffix(".lock")):
            self.reload()
            yield
