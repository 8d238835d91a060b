"""Whose code is run: ours, and a user's file where --plugin or --extractor names it."""

import json
import re
from pathlib import Path

import pytest
import torch

from bench.errors import UserError
from bench.evaluation import Evaluator
from bench.executors import plan as planning
from bench.executors.plan import Planned
from bench.trials import experiment as experiments

TREE = Path(__file__).parent.parent
_UNSAFE = re.compile(
    r"\b(pickle|dill|joblib|shelve|marshal)\.loads?\b|allow_pickle=True|weights_only=False"
    r"|\bnp\.load\((?!.*allow_pickle=False)|(?<!safetensors\.)\btorch\.load\((?!.*weights_only=True)"
    r"|yaml\.(unsafe_)?load\b|(?<![.\w])(eval|exec)\(|os\.system|shell=True"
)


@pytest.mark.parametrize("path", sorted((TREE / "bench").rglob("*.py")), ids=lambda p: p.name)
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if _UNSAFE.search(line)] == []


def test_the_search_finds_what_it_should() -> None:
    for line in ("pickle.load(f)", "torch.load(p)", "np.load(p)", "x = eval(text)"):
        assert _UNSAFE.search(line)


class _Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_inception_weights_are_not_unpickled(tmp_path: Path) -> None:
    """torch-fidelity would: it loads them with weights_only=False."""
    torch.save({"w": _Bomb(tmp_path / "exploded")}, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="does not hold the Inception weights"):
        Evaluator.from_file(tmp_path / "weights.pth")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "line",
    ['plugin = "evil.py"', 'variants = ["evil.py"]', 'variants = ["../evil"]', 'ruler = "evil.py"',
     "[variant.wgan]\n__class__ = 3", "[variant.wgan]\nstep = 'evil'"],
)  # fmt: skip
def test_an_experiment_file_cannot_name_code(line: str, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    path = tmp_path / "mine.toml"
    head = "" if line.startswith("variants") else 'variants = ["wgan"]\n'
    path.write_text(f"{head}seeds = 1\nbudget = 640\n{line}\n")
    with pytest.raises(UserError):
        experiments.load(str(path)).trials()
    assert not (tmp_path / "ran").exists()


def test_a_store_cannot_name_code(own_store: Path, tmp_path: Path) -> None:
    """A trial.json that came with a store is written again before any trial of it is run."""
    (item,) = _prepared()
    path = item.folder / "trial.json"
    record = json.loads(path.read_text())
    record["recorded"]["plugins"] = [str(tmp_path / "evil.py")]
    path.write_text(json.dumps(record))
    _prepared()
    assert json.loads(path.read_text())["recorded"]["plugins"] == []


def _prepared() -> list[Planned]:
    chosen = experiments.select(experiments.load("quick", ["seeds=1"]), ["wgan"], None)
    planned = planning.plan(chosen)
    planning.prepare(planned, chosen, ())
    return planned
