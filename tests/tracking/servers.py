"""Real servers, each ended by its own process id: MLflow, PostgreSQL, and a bad road to them."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PATIENCE = 180  # seconds; bounds a wait, and is never waited for


def until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]", what: str) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"{what} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{what} was not ready in {PATIENCE} s"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and those it started, at once."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


class MlflowServer:
    """``mlflow server`` that can be killed and started again on the same port and database."""

    def __init__(self, backend: str, folder: Path) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._backend = backend
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is not None:
            return
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port)]
        command += ["--workers", "1", "--artifacts-destination", str(self._folder / "artifacts")]
        command += ["--backend-store-uri", self._backend]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        until(self._healthy, self._process, "mlflow server")

    def kill(self) -> None:
        if self._process is not None:
            end(self._process)
        self._process = None

    def _healthy(self) -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer,
        ):
            return bool(answer.status == 200)
        return False


def postgres_binary(name: str) -> str | None:
    binary = shutil.which(name)
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return binary or (str(places[-1]) if places else None)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A database cluster of its own behind a Unix socket; yields its SQLAlchemy address."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    data = folder / "data"
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        as_user = ["runuser", "-u", "postgres", "--"]
    initdb, server = postgres_binary("initdb"), postgres_binary("postgres")
    assert initdb
    assert server
    make = [initdb, "-D", str(data), "-A", "trust", "-U", "bench", "--no-sync"]
    subprocess.run([*as_user, *make], check=True, capture_output=True, cwd=folder)
    options = ["-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
    process = subprocess.Popen(
        [*as_user, server, "-D", str(data), *options],
        start_new_session=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until((folder / ".s.PGSQL.5432").exists, process, "postgres")
        yield f"postgresql+psycopg2://bench@/postgres?host={folder}"
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


class BadRoad(ThreadingHTTPServer):
    """A proxy whose ``trouble`` is "none", "500", "silent" or "answers lost".

    In the last case every request reaches the server and is answered with 500.
    """

    daemon_threads = True

    def __init__(self, behind: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Traveller)
        self.behind = behind
        self.trouble = "none"
        self.seen: list[str] = []
        self.released = threading.Event()
        self.uri = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "BadRoad":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


class _Traveller(BaseHTTPRequestHandler):
    server: BadRoad

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.path)
        if self.server.trouble == "silent":
            self.server.released.wait()
            return
        status, content = 500, b"trouble"
        if self.server.trouble != "500":
            status, content = self._forwarded(body)
        if self.server.trouble == "answers lost" and self.command != "GET":
            status, content = 500, b"trouble"
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815

    def _forwarded(self, body: bytes) -> tuple[int, bytes]:
        kind = self.headers.get("Content-Type", "application/octet-stream")
        request = urllib.request.Request(
            self.server.behind + self.path,
            data=body or None,
            headers={"Content-Type": kind},
            method=self.command,
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def log_message(self, format: str, *args: object) -> None:
        pass
