"""A real Ray cluster of two nodes, one of which is lost, and every trial there exactly once."""

import contextlib
import errno
import importlib.util
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.datasets import files
from bench.errors import UserError
from bench.executors import Executor
from bench.executors import plan as planning
from bench.executors.builtin import ray as module
from bench.executors.builtin.processes import Processes
from bench.executors.builtin.ray import Ray
from bench.executors.builtin.serial import Serial
from bench.executors.plan import Planned
from bench.trials import event_log, status
from bench.trials import experiment as experiments
from bench.variants import registry

from .commands import NAME, SMALL, command, environment, fresh_store, records, statuses

# Not by importing it: what Ray is logged by the environment, it reads when it is imported.
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason='needs Ray: pip install "ganbench[ray]"'
    ),
]

# At its fifth step a trial says which node it is on, and waits there until the gate is open.
GATED = '''
"""Waits at a gate (2026)."""
import os, signal
from pathlib import Path
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

PLACE = Path({place!r})

@register("gated")
class Gated(MLPBCE):
    """Waits."""
    def step(self, batch):
        if batch.index == 4:
            (PLACE / f"node-{{os.getppid()}}").touch()
            for _ in range(1200):
                if (PLACE / "open").exists():
                    break
                signal.sigtimedwait([], 0.05)
        return super().step(batch)
'''

KILLED = '''
"""Dies at its second step as if the system had killed it (2026)."""
import os, signal
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("killed_there")
class Killed(MLPBCE):
    """Killed."""
    def step(self, batch):
        if batch.index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(batch)
'''


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll for at most five minutes: reference statistics may have to be worked out first."""
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "gave up waiting"
        signal.sigtimedwait([], 0.05)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plug-ins that a test loads are unknown again after it."""
    registry.names()
    monkeypatch.setattr(registry._VARIANTS, "_things", dict(registry._VARIANTS._things))
    yield
    for name in [name for name in sys.modules if name.startswith("ganbench_plugin_")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def head() -> Iterator[Any]:
    """A cluster with one node of one core, to which every driver here connects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Ray's workers stand back behind every other process: beside other tests they would starve.
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        from ray.cluster_utils import Cluster

        started = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        yield started
        import ray

        ray.shutdown()  # a test that failed may have left this process connected
        started.shutdown()


def raylet(node: Any) -> int:
    """The process whose children a node's workers are."""
    (process,) = node.all_processes["raylet"]
    return int(process.process.pid)


class Gate:
    """A sweep of trials that wait at a gate, started as a user does."""

    def __init__(self, address: str, root: Path, home: Path, seeds: str) -> None:
        self.root, self.home, self.place = root, home, home / "gate"
        self.place.mkdir()
        self.plugin = home / "gated.py"
        self.plugin.write_text(GATED.format(place=str(self.place)))
        self.process = subprocess.Popen(
            command("run", "quick", "--variants", "gated", "--seeds", seeds, *SMALL,
                    "--plugin", str(self.plugin), "--executor", "ray", "--ray-address", address),
            env=environment(root, home), cwd=home, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.said = ""

    @property
    def nodes(self) -> set[int]:
        """The nodes on which a trial waits."""
        return {int(path.name.partition("-")[2]) for path in self.place.glob("node-*")}

    def wait_until(self, nodes: set[int]) -> None:
        wait_for(lambda: self.nodes == nodes or self.process.poll() is not None)
        assert self.nodes == nodes, self.process.communicate()[0]

    def finish(self) -> int:
        self.said, _ = self.process.communicate(timeout=300)
        return self.process.returncode

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *error: object) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture(scope="module")
def disturbed(
    head: Any, mnist_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gate]:
    """A finished sweep that lost one of its two nodes, and its plug-in file, under way."""
    home = tmp_path_factory.mktemp("home")
    second = head.add_node(num_cpus=1)
    with Gate(head.address, fresh_store(mnist_store, home / "store"), home, "3") as gate:
        gate.wait_until({raylet(head.head_node), raylet(second)})
        gate.plugin.rename(home / "gone.py")
        head.remove_node(second, allow_graceful=False)
        (gate.place / "open").touch()
        gate.finish()
        yield gate


def test_every_trial_is_done_once(disturbed: Gate) -> None:
    assert disturbed.process.returncode == 0, disturbed.said
    assert "raylet" not in disturbed.said
    assert {name: state["status"] for name, state in statuses(disturbed.root).items()} == {
        "gated 0": "done", "gated 1": "done", "gated 2": "done"
    }  # fmt: skip
    for path in disturbed.root.glob("trials/*/journal.jsonl"):
        entries = [entry for entry, _ in event_log.read(path)]
        assert [e["status"] for e in entries if e["event"] == "end"] == ["done"]
        logged = Counter((e.get("step"), *e["metrics"]) for e in entries if "metrics" in e)
        assert set(logged.values()) == {1}


def test_mlflow_has_every_run_with_its_weights(disturbed: Gate) -> None:
    """The table is made from MLflow's records alone, and the files are in its artifacts."""
    shown = json.loads((disturbed.root / "results" / NAME / "table.json").read_text())
    (row,) = shown["variants"]
    assert [point["seed"] for point in row["final"]["fid"]["points"]] == [0, 1, 2]
    kept = (disturbed.root / "mlflow").rglob("generator.safetensors")
    assert sorted(map(files.digest_of, kept)) == sorted(weights(disturbed.root).values())


def planned(plugin: Path, seeds: str) -> list[Planned]:
    """Trials of the plug-in's variant, in this process's store."""
    (variant,) = registry.load_plugin(plugin)
    chosen = experiments.select(experiments.load("quick", SMALL[1::2]), [variant], seeds)
    items = planning.plan(chosen)
    planning.prepare(items, chosen, [plugin])
    return items


def weights(root: Path) -> dict[str, str]:
    """The sha256 of each generator, by trial."""
    paths = root.glob("trials/*/generator.safetensors")
    return {path.parent.name: files.digest_of(path) for path in paths}


@pytest.mark.parametrize("executor", [Serial(), Processes()], ids=["serial", "processes"])
def test_every_executor_gives_identical_records(
    executor: Executor, disturbed: Gate, own_store: Path
) -> None:
    """Ray's are those of the sweep that lost a node, and with it one of the first two trials."""
    folders = [item.folder for item in planned(disturbed.home / "gone.py", "2")]
    executor.run(folders, 2, lambda: False)
    assert len(records(own_store)) > 2 * 60
    assert records(own_store).items() <= records(disturbed.root).items()
    assert len(weights(own_store)) == 2
    assert weights(own_store).items() <= weights(disturbed.root).items()


def test_a_signal_stops_it_and_another_executor_resumes_it(
    disturbed: Gate, head: Any, own_store: Path, tmp_path: Path
) -> None:
    with Gate(head.address, own_store, tmp_path, "1") as gate:
        gate.wait_until({raylet(head.head_node)})
        gate.process.send_signal(signal.SIGINT)
        assert gate.finish() == 128 + signal.SIGINT, gate.said
    assert "run the same command again to resume" in gate.said
    assert "Stopped at once" not in gate.said
    (item,) = planned(gate.plugin, "1")
    assert item.status.status == "interrupted"
    assert not status.owned(item.folder)
    (gate.place / "open").touch()
    Serial().run([item.folder], 1, lambda: False)
    assert item.status.status == "done"
    assert weights(own_store).items() <= weights(disturbed.root).items()


def test_a_trial_that_kills_its_worker_fails_in_a_sentence(
    head: Any, own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "killed.py"
    plugin.write_text(KILLED)
    (item,) = planned(plugin, "1")
    monkeypatch.setattr(module, "_RETRIES", 0)
    handler = signal.getsignal(signal.SIGTERM)
    with contextlib.closing(Ray(head.address)) as executor:
        assert executor.prepare(experiments.load("quick"), None) == 1
        assert signal.getsignal(signal.SIGTERM) is handler
        executor.run([item.folder], 1, lambda: False)
    assert item.status.status == "failed"
    assert "was lost (WorkerCrashedError; times in a row: 1)" in str(item.status.reason)
    assert "run the same command again" in str(item.status.reason)
    *_, (end, _) = event_log.read(item.folder / "journal.jsonl")
    assert (end["event"], end["status"]) == ("end", "failed")
    assert not status.owned(item.folder)


def test_a_trial_of_another_sweep_is_left_to_it(
    own_store: Path, mnist_folder: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "killed.py"
    plugin.write_text(KILLED)
    (item,) = planned(plugin, "1")
    with status.owning(item.folder):
        module._train(item.folder, never_sent, lambda: False)
    assert item.status.status == "pending"


def never_sent(folder: Path) -> None:
    raise AssertionError


def test_what_cannot_be_written_down_fails_in_a_sentence(
    own_store: Path, mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    plugin = tmp_path / "killed.py"
    plugin.write_text(KILLED)
    (item,) = planned(plugin, "1")

    def full(folder: Path, files: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    monkeypatch.setattr(ray, "wait", lambda tasks, timeout: (tasks, []))
    monkeypatch.setattr(ray, "get", lambda task: {})
    module._train(item.folder, lambda folder: "a task", lambda: False)
    assert item.status.status == "failed"
    assert "the disk is full): free some space" in str(item.status.reason)
    assert not status.owned(item.folder)


def test_why_a_machine_did_not_run_it() -> None:
    import ray

    known = ray.exceptions
    wrong = known.RayTaskError("train", "pages", OSError(errno.ENOSPC, "No space left"))
    assert "could not run it ([Errno 28] No space left): fix that" in module._cause(wrong)
    assert "use fewer --workers" in module._cause(known.OutOfMemoryError("pages"))


def test_a_ray_without_the_private_switch_prints_more_and_works() -> None:
    worker = SimpleNamespace(_worker_logs_enabled=True)
    module._without_messages(SimpleNamespace(_private=SimpleNamespace(worker=worker)))
    assert worker._worker_logs_enabled is False
    module._without_messages(SimpleNamespace(_private=SimpleNamespace()))
    module._without_messages(SimpleNamespace())


def sentence(address: str | None) -> str:
    with pytest.raises(UserError) as raised:
        Ray(address).prepare(experiments.load("quick"), None)
    return str(raised.value)


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert 'pip install "ganbench[ray]"' in sentence(None)


@pytest.mark.parametrize("address", ["here", "host:", ":6379", "host:port", "host:99999", ""])
def test_what_is_no_address(address: str) -> None:
    said = sentence(address)
    assert f"No Ray cluster answers at '{address}' (" in said
    assert "give the HOST:PORT that it prints" in said


def test_where_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"  # bound, so nobody else listens there
        assert f"No Ray cluster answers at '{address}' (" in sentence(address)
