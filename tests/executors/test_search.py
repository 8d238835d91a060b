"""A search and its final phase: planned, trained, chosen, and resumed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.cli import running
from bench.errors import UserError
from bench.executors import plan as planning
from bench.executors.plan import Planned
from bench.trials import event_log
from bench.trials import experiment as experiments
from bench.trials.experiment import Experiment
from bench.trials.status import Status

FILE = """
dataset = "ring"
variants = ["lsgan", "minimax"]
seeds = 2
budget = 512
batch = 128
evaluations = 2
samples = 200
[common]
network = "plane"
latent = 2
[search]
settings = 3
seeds = 1
budget = 256
[search.space]
lr_d = "loguniform(1e-4, 1e-2)"
"""


@pytest.fixture
def tuned(own_store: Path, tmp_path: Path) -> Experiment:
    (tmp_path / "tuned.toml").write_text(FILE)
    return experiments.load(str(tmp_path / "tuned.toml"))


def end(item: Planned, fid: float | None) -> None:
    """As a trial that was trained leaves it; None for one that diverged."""
    item.folder.mkdir(parents=True, exist_ok=True)
    log = event_log.EventLog(item.folder)
    log.metrics(128, {"eval/fid_heldout": 1e-3})  # in the middle, which chooses nothing
    if fid is not None:
        log.metrics(256, {"eval/fid_heldout": fid})
    log.end("done" if fid is not None else "diverged")
    Status("done" if fid is not None else "diverged").write(item.folder)


def searched(experiment: Experiment, fids: Mapping[str, float | None]) -> list[Planned]:
    """The plan once the search's trials have ended with these, by row."""
    for item in planning.plan(experiment):
        if item.trial.variant in fids:
            end(item, fids[item.trial.variant])
    return planning.plan(experiment)


def rows(planned: list[Planned], phase: str) -> list[str]:
    return list(dict.fromkeys(item.trial.variant for item in planned if item.phase == phase))


FIDS = {"lsgan_s00": 3.0, "lsgan_s01": None, "lsgan_s02": 2.0,
        "minimax_s00": 1.0, "minimax_s01": 2.0}  # fmt: skip


def test_nothing_is_chosen_before_the_whole_search_has_ended(tuned: Experiment) -> None:
    planned = searched(tuned, FIDS)
    assert rows(planned, "search") == [
        f"{name}_s0{number}" for number in range(3) for name in ("lsgan", "minimax")
    ]
    assert rows(planned, "final") == ["lsgan", "minimax"]
    assert planning.chosen(planned) == {}


def test_each_row_gets_its_setting_with_the_lowest_held_out_fid(tuned: Experiment) -> None:
    planned = searched(tuned, FIDS | {"minimax_s02": None})
    assert planning.chosen(planned) == {"lsgan": 2, "minimax": 0}
    assert rows(planned, "final") == ["lsgan", "lsgan_tuned", "minimax"]  # its defaults won


def test_a_trial_without_held_out_fid_is_one_sentence(tuned: Experiment) -> None:
    planned = searched(tuned, FIDS | {"minimax_s02": 1.0})
    log = planned[0].folder / "journal.jsonl"
    log.write_text(log.read_text().replace("fid_heldout", "mmd"))
    with pytest.raises(UserError, match="lsgan_s00 seed 10000 has no held-out FID, by which"):
        planning.plan(tuned)


def test_a_dry_run_names_the_phases(
    tuned: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running.run(str(tmp_path / "tuned.toml"), dry_run=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tuned.name}: 10 trials, 0 done, 10 to do."
    assert lines[1] == "Phase search, 256 images a trial:"
    assert lines[2] == "  lsgan_s00 seed 10000: pending"
    assert lines[8] == "Phase final, 512 images a trial:"
    assert lines[9:] == [
        *(f"  {name} seed {seed}: pending" for seed in (0, 1) for name in ("lsgan", "minimax")),
        "The tuned rows are added when the search is over.",
    ]
