"""Every environment variable that ganbench reads. An empty one counts as unset."""

import contextlib
import os
from collections.abc import Iterator, Mapping

STORE = "GANBENCH_STORE"
"""The folder of all that is not committed: data, trials, records. Default: ``results/.store``."""
DATA = "GANBENCH_DATA"
"""A folder that holds the data set's files already; nothing is downloaded then."""
INCEPTION = "GANBENCH_INCEPTION"
"""The file of Inception's weights; each trial is then measured by that network too."""
TRACKING_URI = "MLFLOW_TRACKING_URI"
"""The MLflow server or database of the records. Default: a database in the store."""
REGISTRY_URI = "MLFLOW_REGISTRY_URI"
"""Read to keep its password out of every text."""
PASSWORDS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""Read to keep them out of every text."""

MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's own values block one call for 247 s when a server is down. The backoff starts at
    # this many seconds and doubles.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""For MLflow, where the user has not set them."""
MLFLOW_FORCED = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
"""For MLflow, whatever the user says: its lines about a run hold the server's whole address."""
MLFLOW_FORGOTTEN = "MLFLOW_RUN_ID"
"""Not for MLflow: it would write every trial into that one run."""
SERVER_URI = "MLFLOW_BACKEND_STORE_URI"
"""For the server that ``ganbench ui`` starts: the database that it shows."""
SERVER = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Else the server's processes import a random.py or logging.py of the current folder.
    "PYTHONSAFEPATH": "1",
}
"""For that server too."""


def get(name: str) -> str:
    """The value of a variable; empty where it is unset."""
    return os.environ.get(name, "")


@contextlib.contextmanager
def temporarily(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, for this process and those that it starts, while the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
