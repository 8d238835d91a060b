"""A sqlite store that was moved or copied finds its artifacts beside it again.

MLflow stores the place of every artifact with its whole path. What lies beside the database counts:
a store that was copied must neither show nor change the artifacts of the original.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bench.tracking import addresses

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow holds a location of artifacts, as table and column."""
_OURS = """
    SELECT DISTINCT artifact_location FROM experiments
    JOIN experiment_tags USING (experiment_id) WHERE key LIKE 'ganbench.%'
"""
_PATIENCE_SECONDS = 60.0


def relocate(database: Path, root: Path) -> None:
    """Name ``root`` in place of the folder where this database says that our artifacts are.

    It changes nothing where the artifacts are still at their recorded place and not at ``root``,
    and nothing of experiments that are not ours and lie elsewhere.

    Args:
        database: a file of MLflow; anything else is left for MLflow to complain about.
        root: the folder ``artifacts`` beside it.
    """
    new = addresses.location(root)
    with (
        contextlib.suppress(sqlite3.DatabaseError),
        contextlib.closing(sqlite3.connect(database, timeout=_PATIENCE_SECONDS)) as connection,
    ):
        for old in set(_earlier(connection, root)):
            with connection:  # one transaction
                for table, column in _COLUMNS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                        f"WHERE substr({column}, 1, length(:old) + 1) = :old || '/'",
                        {"new": new, "old": old},
                    )


def _earlier(connection: sqlite3.Connection, root: Path) -> Iterator[str]:
    """The recorded folders that ``root`` has taken the place of, as they are written there."""
    for (location,) in connection.execute(_OURS):
        folder = addresses.folder_of(location)
        if folder is None or folder.parent.name != root.name or folder.parent == root:
            continue
        if root.is_dir() or not folder.parent.is_dir():
            yield location.rpartition("/")[0]
