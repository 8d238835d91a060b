"""The stores of these tests: created once a session, which takes seconds, and copied."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from bench.analysis import Comparison, compare

from .synthetic import VARIANTS, Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A migrated store without experiments; the one slow creation of the session."""
    store = Store(tmp_path_factory.mktemp("mlflow"))
    MlflowClient(store.uri).search_experiments()
    return store


@pytest.fixture
def store(empty_store: Store, tmp_path: Path) -> Store:
    """A store of the test's own."""
    shutil.copy(empty_store.root / "mlflow.db", tmp_path / "mlflow.db")
    return Store(tmp_path)


@pytest.fixture(scope="session")
def quick(empty_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The experiment "quick": four variants, three seeds, the last wgan diverged. Read only."""
    root = tmp_path_factory.mktemp("quick")
    shutil.copy(empty_store.root / "mlflow.db", root / "mlflow.db")
    filled = Store(root)
    sweep = filled.sweep("quick")
    for variant in VARIANTS:
        for seed in range(3):
            diverged = (variant, seed) == ("wgan", 2)
            sweep.trial(variant, seed, "diverged" if diverged else "done")
    return filled


@dataclass(frozen=True)
class Written:
    """What a ``compare`` of the experiment "quick" left."""

    out: Path
    comparison: Comparison


@pytest.fixture(scope="session")
def written(quick: Store, tmp_path_factory: pytest.TempPathFactory) -> Written:
    out = tmp_path_factory.mktemp("results") / "quick"
    return Written(out, compare("quick", quick.uri, out))
