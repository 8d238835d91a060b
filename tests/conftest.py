"""Stores for the tests: MNIST is fetched once a checkout, reference statistics once a session."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("MLFLOW_TRACKING_URI", None)

import pytest

from bench.datasets.mnist import FILES


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder of the four MNIST files, in the checkout's own store or as GANBENCH_DATA says."""
    from bench import paths

    paths.root().mkdir(parents=True, exist_ok=True)
    with paths.lock(paths.root() / "fetch.lock"):
        return FILES.ensure()


@pytest.fixture(scope="session")
def mnist_store(mnist_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with the data, for tests that only read; reference statistics gather in it."""
    root = tmp_path_factory.mktemp("session-store")
    (root / "data").mkdir()
    (root / "data" / "mnist").symlink_to(mnist_folder)
    base = tmp_path_factory.getbasetemp()
    together = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "reference"
    together.mkdir(exist_ok=True)  # what one worker has measured the others need not
    (root / "reference").symlink_to(together)
    patch = pytest.MonkeyPatch()
    patch.setenv("GANBENCH_STORE", str(root))
    patch.delenv("GANBENCH_DATA", raising=False)
    yield root
    patch.undo()


@pytest.fixture
def own_store(mnist_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh store of the test's own, with the session's data and reference statistics."""
    root = tmp_path / "store"
    root.mkdir()
    for shared in ("data", "reference"):
        (root / shared).symlink_to(mnist_store / shared)
    monkeypatch.setenv("GANBENCH_STORE", str(root))
    return root


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The modules that run whole sweeps first: begun last, they would keep one core waiting."""
    long = ("tests/torture/", "tests/executors/", "tests/tracking/")
    items.sort(key=lambda item: not item.nodeid.startswith(long))
