"""``ganbench ui``: MLflow's own user interface, started light and opened at the comparison."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import store as home
from bench.errors import UserError, unknown
from bench.tracking import store
from bench.tracking.views import MODES, address

_GRACE_SECONDS = 5.0
# Two processes and 0.5 GB, in place of the fifteen and 1.9 GB of MLflow's defaults.
_LIGHT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def serve(
    uri: str,
    experiment: str | None,
    port: int,
    host: str = "127.0.0.1",
    report: Callable[[str], None] = print,
) -> int:
    """Show the store in a browser until Ctrl-C. A tracking server shows itself: its links only.

    Args:
        experiment: the one to open; None for the latest.
        report: takes one line at a time: the addresses of the ready-made views.

    Returns:
        0.

    Raises:
        UserError: the port is taken, the store is empty, or MLflow's server did not start.
    """
    if uri.startswith("http"):
        _links(uri.rstrip("/"), experiment, report)
        return 0
    path = store.database(uri)
    if path is not None and not path.exists():
        raise UserError(f"There is nothing to show yet in {path}: run `ganbench run quick` first.")
    _check_port(host, port)
    log = home.root() / "mlflow" / "ui.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    report(f"Starting MLflow on {host}:{port}; that takes some 15 seconds.")
    with _server(uri, host, port, log) as server, contextlib.suppress(KeyboardInterrupt):
        base = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        _wait(server, base, log)
        _links(base, experiment, report)
        report("Press Ctrl-C to stop.")
        server.wait()
        raise _died(log)
    return 0


@contextlib.contextmanager
def _server(uri: str, host: str, port: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server in a process group of its own, ended with the block."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--no-serve-artifacts"]
    command += ["--default-artifact-root", str(store.artifact_root(uri))]
    # In the environment, not among the arguments: the address of a database holds its password.
    environment = os.environ | _LIGHT | {"MLFLOW_BACKEND_STORE_URI": uri}
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, previous)
        _stop(server)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server's process group: politely, then at once.

    MLflow's server would wait for requests in flight, of a browser that is still open for instance.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(_GRACE_SECONDS)
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _wait(server: "subprocess.Popen[bytes]", base: str, log: Path) -> None:
    while True:
        if server.poll() is not None:
            raise _died(log)
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/health", timeout=5):
            return
        time.sleep(0.2)


def _died(log: Path) -> UserError:
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    return UserError(f"MLflow's server stopped ({lines[-1].strip()}): all it said is in {log}.")


def _links(base: str, experiment: str | None, report: Callable[[str], None]) -> None:
    """Report where the saved views open."""
    found = {one["name"]: one["experiment_id"] for one in _experiments(base)}
    if not found:
        raise UserError("There is no experiment in the store yet: run `ganbench run quick` first.")
    name = experiment or next(iter(found))
    if name not in found:
        raise unknown("experiment in the store", name, found)
    for view in MODES:
        report(f"{name}, {view}: {base}/{address(found[name], view)}")


def _experiments(base: str) -> list[dict[str, Any]]:
    """Experiments, the latest first, without the empty one that every store is born with."""
    body = json.dumps({"max_results": 1000, "order_by": ["last_update_time DESC"]}).encode()
    request = urllib.request.Request(
        f"{base}/api/2.0/mlflow/experiments/search",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer).get("experiments", [])
    except (OSError, ValueError) as error:
        raise UserError(
            f"The MLflow server at {store.shown(base)} does not answer ({error}): start it, or "
            "unset MLFLOW_TRACKING_URI to see the local store."
        ) from error
    return [one for one in found if one["experiment_id"] != "0"]


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"Cannot listen on {host}:{port} ({error.strerror}): stop what runs there, or "
                "choose another port with --port."
            ) from error
