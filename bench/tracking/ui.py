"""``ganbench ui``: MLflow's own user interface, started light and opened at our views."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import paths as home
from bench import settings
from bench.errors import UserError, unknown
from bench.redaction import redact
from bench.tracking import addresses, connection, database
from bench.tracking.views import MODES, address

_GRACE_SECONDS = 5.0
_NO_ANSWER = (
    "The MLflow server at {store} does not answer ({reason}): start it, or unset "
    "MLFLOW_TRACKING_URI to see the local store."
)


def serve(
    uri: str,
    experiment: str | None,
    port: int,
    host: str = "127.0.0.1",
    report: Callable[[str], None] = print,
) -> None:
    """Show the store in a browser until Ctrl-C. A tracking server shows itself: its links only.

    ``report`` takes the addresses of the saved views of the experiment, by default the latest.

    Raises:
        UserError: the port is taken, the store is empty, or MLflow's server did not start.
    """
    if uri.startswith("http"):
        _links(uri.rstrip("/"), experiment, report)
        return
    path = addresses.file_of(uri)
    if path is not None and not path.exists():
        raise UserError(f"There is nothing to show yet in {path}: run `ganbench run quick` first.")
    _check_port(host, port)
    place = database.readable(uri)
    if place != uri:
        report(f"{path} cannot be written. A copy is shown; changes to it are lost.")
    folder = home.root() / "mlflow" if place == uri else Path(tempfile.mkdtemp(prefix="ganbench-"))
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "ui.log"
    report(f"Starting MLflow on {host}:{port}. It takes about 15 seconds.")
    with _server(place, addresses.artifact_root(uri), host, port, log) as server:
        base = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        try:
            if _ready(server, base):
                _links(base, experiment, report)
                report("Press Ctrl-C to stop.")
                server.wait()
        except KeyboardInterrupt:
            return
    lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
    raise UserError(f"MLflow's server stopped ({lines[-1].strip()}): its output is in {log}.")


@contextlib.contextmanager
def _server(
    uri: str, artifacts: Path | None, host: str, port: int, log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server in a process group of its own, ended with the block."""
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--no-serve-artifacts"]
    if artifacts is not None:
        command += ["--default-artifact-root", addresses.location(artifacts)]
    # In the environment, not among the arguments: the address of a database holds its password.
    environment = os.environ | settings.SERVER | {settings.SERVER_URI: uri}
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    writer = threading.Thread(target=_keep, args=(server, log, uri), daemon=True)
    writer.start()
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, previous)
        _stop(server)
        writer.join()


def _keep(server: "subprocess.Popen[bytes]", log: Path, uri: str) -> None:
    """Write what the server says into its log, without the secrets of its address."""
    assert server.stdout is not None
    with server.stdout as output, log.open("w", encoding="utf-8") as file:
        for line in output:
            file.write(redact(line.decode(errors="replace"), uri))
            file.flush()


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


def _ready(server: "subprocess.Popen[bytes]", base: str) -> bool:
    """Wait until the server answers; False where it ended instead."""
    while server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/health", timeout=5):
            return True
        time.sleep(0.2)
    return False


def _links(base: str, experiment: str | None, report: Callable[[str], None]) -> None:
    """Report where the saved views open: of the latest experiment, unless one is named."""
    with connection.explained(base, _NO_ANSWER):
        search = connection.writer(base).search_experiments
        entries = list(connection.every(search, order_by=["last_update_time DESC"]))
    # Every store is born with an empty experiment of this id.
    ids = {entry.name: entry.experiment_id for entry in entries if entry.experiment_id != "0"}
    if not ids:
        raise UserError("There is no experiment in the store yet: run `ganbench run quick` first.")
    name = experiment or next(iter(ids))
    if name not in ids:
        raise unknown("experiment in the store", name, ids)
    for view in MODES:
        report(f"{name}, {view}: {redact(base)}/{address(ids[name], view)}")


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
