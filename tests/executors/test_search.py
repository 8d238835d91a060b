"""A search and its final phase: planned, trained, chosen, and resumed."""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import typer
from rich.console import Console

from bench.cli import running
from bench.errors import UserError
from bench.executors import Executor, Stopping, display
from bench.executors import plan as planning
from bench.executors import run as sweeps
from bench.executors.plan import Planned
from bench.trials import TrialRecord, event_log
from bench.trials import experiment as experiments
from bench.trials.experiment import Experiment
from bench.trials.status import Status

from .commands import mlflow_runs

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


class Ending(Executor):
    """Ends each trial at once, with an FID that falls with its learning rate."""

    def __init__(self, failing: str = "", ends_with: int | None = None) -> None:
        super().__init__()
        self.failing, self.ends_with = failing, ends_with
        self.given: list[list[str]] = []

    def run(self, folders: Sequence[Path], workers: int, stopping: Stopping) -> None:
        self.given.append([])
        for folder in folders:
            trial = TrialRecord.read(folder).trial
            self.given[-1].append(trial.variant)
            if trial.variant != self.failing:
                end(Planned(trial, folder), 1 / trial.configuration["lr_d"])
        if self.ends_with is not None:
            os.kill(os.getpid(), self.ends_with)


def swept(experiment: Experiment, executor: Executor) -> sweeps.Outcome:
    return sweeps.sweep(experiment, [], executor, 1, Console(quiet=True))


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


def test_a_sweep_searches_then_trains_defaults_and_choice(tuned: Experiment) -> None:
    outcome = swept(tuned, executor := Ending())
    (searching, final) = executor.given
    assert searching == [f"{name}_s0{n}" for n in range(3) for name in ("lsgan", "minimax")]
    assert final == ["lsgan", "lsgan_tuned", "minimax", "minimax_tuned"] * 2
    assert len(outcome.of("done")) == 6 + 8
    rates = {item.trial.variant: item.trial.configuration["lr_d"] for item, _ in outcome.trials}
    assert rates["lsgan_tuned"] == max(rates[f"lsgan_s0{number}"] for number in range(3)) > 2e-4
    again = swept(tuned, executor := Ending())
    assert (executor.given, len(again.trials)) == ([], 14)


def test_mlflow_says_of_each_run_to_which_phase_it_belongs(
    tuned: Experiment, own_store: Path
) -> None:
    swept(tuned, Ending())
    params = [run.data.params for run in mlflow_runs(own_store, tuned.name)]
    tried = {p["variant"]: p for p in params if p["phase"] == "search"}
    assert len(params) == 14
    assert {p["variant"]: (p["searched"], p["setting"]) for p in tried.values()} == {
        f"{name}_s0{n}": (name, str(n)) for name in ("lsgan", "minimax") for n in range(3)
    }
    final = {p["variant"]: p for p in params if p["phase"] == "final"}
    assert {name: p["searched"] for name, p in final.items()} == {
        "lsgan": "lsgan", "lsgan_tuned": "lsgan", "minimax": "minimax", "minimax_tuned": "minimax",
    }  # fmt: skip
    assert "setting" not in final["lsgan_tuned"]


def test_more_settings_train_only_what_is_new(tuned: Experiment, tmp_path: Path) -> None:
    swept(tuned, Ending())
    (tmp_path / "tuned.toml").write_text(FILE.replace("settings = 3", "settings = 5"))
    more = experiments.load(str(tmp_path / "tuned.toml"))
    swept(more, executor := Ending())
    assert executor.given[0] == ["lsgan_s03", "minimax_s03", "lsgan_s04", "minimax_s04"]


def test_what_fails_in_the_search_leaves_the_final_phase_to_the_next_sweep(
    tuned: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    executor = Ending(failing="lsgan_s01")
    with pytest.raises(typer.Exit) as ended:
        running._sweep_and_compare(tuned, [], executor, 1, tmp_path / "out", Console())
    assert ended.value.exit_code == 3
    assert len(executor.given) == 1
    assert "The search is not over, so no setting is chosen" in capsys.readouterr().out
    swept(tuned, executor := Ending())
    assert executor.given[0] == ["lsgan_s01"]
    assert len(executor.given[1]) == 8


def test_a_signal_between_the_phases_leaves_the_final_one_to_the_next_sweep(
    tuned: Experiment,
) -> None:
    outcome = swept(tuned, executor := Ending(ends_with=signal.SIGTERM))
    assert (outcome.signal, len(executor.given)) == (signal.SIGTERM, 1)
    swept(tuned, executor := Ending())
    assert [len(given) for given in executor.given] == [8]


def test_the_progress_view_names_the_phase(tuned: Experiment) -> None:
    planned = [item for item in planning.plan(tuned) if item.phase == "search"]
    summary = display._summary([(item, Status()) for item in planned], None)
    assert summary == "search phase: 0 of 6 trials ended, time left unknown"


def test_a_second_run_of_one_command_does_nothing(
    tuned: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With real trials, to the page and back."""
    file = str(tmp_path / "tuned.toml")
    running.run(file, executor="serial", results=tmp_path / "out")
    table = json.loads((tmp_path / "out" / tuned.name / "table.json").read_text())
    names = {row["variant"] for row in table["variants"]}
    assert {"lsgan", "minimax"} <= names <= {"lsgan", "lsgan_tuned", "minimax", "minimax_tuned"}
    capsys.readouterr()
    running.run(file, executor="serial", results=tmp_path / "out")
    assert "Nothing to do:" in capsys.readouterr().out
