"""One trial: what it leaves, that it resumes bit for bit, and how it ends when it cannot."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from bench import datasets
from bench.errors import UserError
from bench.evaluation import Evaluator
from bench.executors import plan as planning
from bench.training import evaluation, generator, trainer, trial
from bench.trials import event_log, status
from bench.trials import experiment as experiments
from bench.variants import registry

from .conftest import After, MakeTrial

VARIANTS = ("mlp_bce", "batchnorm_dropout", "wgan", "spectral_norm")


def metrics(folder: Path) -> dict[tuple[int, str], float]:
    """Every number of the event log but the clock's."""
    numbers: dict[tuple[int, str], float] = {}
    for entry, _ in event_log.read(folder / "journal.jsonl"):
        for name, value in entry.get("metrics", {}).items():
            if not any(word in name for word in ("seconds", "_per_s", "mem")):
                assert (entry["step"], name) not in numbers, "written twice"
                numbers[entry["step"], name] = value
    return numbers


def test_what_a_trial_leaves(make_trial: MakeTrial) -> None:
    item = make_trial()
    assert trial.run(item.folder) == "done"
    numbers = metrics(item.folder)
    assert {step for step, name in numbers if name == "eval/fid"} == {320, 640, 960}
    for name in (
        "fid",
        "modes",
        "modes_any",
        "mode_kl",
        "confidence",
        "inception_score",
        "fid_heldout",
    ):
        assert (0, f"final/{name}") in numbers
        assert numbers[0, f"final/{name}"] == numbers[960, f"eval/{name}"]
    assert numbers[0, "cost/images"] == 960
    assert numbers[0, "cost/d_steps"] == numbers[0, "cost/g_steps"] == 30
    curve = [step for step, name in numbers if name == "train/loss_d"]
    assert curve == [32 * (i + 1) for i in range(30)]
    assert sorted(p.name for p in (item.folder / "samples").iterdir()) == [
        "000000320.png", "000000640.png", "000000960.png"
    ]  # fmt: skip
    assert not list(item.folder.glob("checkpoint*"))
    described = json.loads((item.folder / "generator.json").read_text())
    weights = load_file(item.folder / "generator.safetensors")
    rebuilt = registry.create(described["variant"], described["configuration"], (1, 28, 28), 10)
    rebuilt.networks()["generator"].load_state_dict(weights)
    assert item.status.status == "done"


def test_the_best_point_is_chosen_on_held_out_images(make_trial: MakeTrial) -> None:
    item = make_trial()
    trial.run(item.folder)
    numbers = metrics(item.folder)
    heldout = {step: v for (step, name), v in numbers.items() if name == "eval/fid_heldout"}
    chosen = min(heldout, key=lambda step: heldout[step])
    assert numbers[0, "best/images"] == chosen
    assert numbers[0, "best/fid"] == numbers[chosen, "eval/fid"]


def test_n_critic_counts(make_trial: MakeTrial) -> None:
    item = make_trial("wgan")
    trial.run(item.folder)
    numbers = metrics(item.folder)
    assert (numbers[0, "cost/d_steps"], numbers[0, "cost/g_steps"]) == (30, 6)


def whole(folder: Path) -> tuple[dict[tuple[int, str], float], dict[str, torch.Tensor]]:
    """Train the trial to its end: its numbers and its weights."""
    assert trial.run(folder) == "done"
    return metrics(folder), load_file(folder / "generator.safetensors")


def reset(folder: Path) -> None:
    """Leave of a trial only its definition."""
    for file in [*folder.glob("*.json*"), *folder.glob("*.safetensors")]:
        if file.name != "trial.json":
            file.unlink()


def assert_resumes_to(
    expected: tuple[dict[tuple[int, str], float], dict[str, torch.Tensor]], folder: Path
) -> None:
    numbers, weights = whole(folder)
    assert numbers == expected[0]
    assert all(torch.equal(weights[name], weight) for name, weight in expected[1].items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_interrupted_trial_ends_bit_identical(
    variant: str, make_trial: MakeTrial, after: After
) -> None:
    """Stopped at step 7, in the middle of a window and between two points, and again at 22."""
    folder = make_trial(variant, "evaluations=2", "budget=1600").folder
    expected = whole(folder)
    reset(folder)
    assert trial.run(folder, after(7)) == "interrupted"
    assert trial.run(folder, after(22)) == "interrupted"
    assert_resumes_to(expected, folder)


@pytest.mark.parametrize(("piece", "point"), [("samples", 1), ("score", 1), ("score", 3)])
def test_stopped_in_the_middle_of_a_measurement_it_ends_bit_identical(
    piece: str, point: int, make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of three measurements is by the final metrics too."""
    folder = make_trial().folder
    expected = whole(folder)
    reset(folder)
    begun: list[str] = []
    owner: Any = evaluation if piece == "samples" else Evaluator
    through = getattr(owner, piece)

    def begin(*given: Any, **named: Any) -> Any:
        begun.append(piece)
        done = through(*given, **named)
        begun.append("done")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(owner, piece, begin)
        assert trial.run(folder, lambda: begun.count(piece) == point) == "interrupted"
    assert begun.count("done") == point - 1, "it continued to the end"
    *_, (end, _) = event_log.read(folder / "journal.jsonl")
    assert (end["event"], end["status"], end["reason"]) == ("end", "interrupted", None)
    measured = [step for step, name in metrics(folder) if name == "eval/fid"]
    assert measured == [320, 640][: point - 1]
    assert_resumes_to(expected, folder)


def test_a_trial_that_has_ended_is_left_alone(make_trial: MakeTrial) -> None:
    item = make_trial()
    trial.run(item.folder)
    before = (item.folder / "journal.jsonl").read_bytes()
    assert trial.run(item.folder) == "done"
    assert (item.folder / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("damage", ["status gone", "status torn", "status nonsense"])
def test_without_its_status_a_trial_that_has_ended_is_left_alone(
    damage: str, make_trial: MakeTrial
) -> None:
    item = make_trial()
    trial.run(item.folder)
    content = {"status gone": None, "status torn": "{", "status nonsense": '{"status": "dome"}'}
    path, text = item.folder / "status.json", content[damage]
    path.unlink() if text is None else path.write_text(text)
    before = (item.folder / "journal.jsonl").read_bytes()
    assert item.ended
    assert trial.run(item.folder) == "done"
    assert (item.folder / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("damage", ["gone", "cut"])
@pytest.mark.parametrize("state", ["done", "interrupted"])
def test_a_trial_whose_event_log_lost_lines_is_trained_again_to_the_same_bits(
    state: str,
    damage: str,
    make_trial: MakeTrial,
    after: After,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its checkpoint would lead past what is lost."""
    folder = make_trial().folder
    expected = whole(folder)
    if state == "interrupted":
        reset(folder)
        trial.run(folder, after(25))
    path = folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.unlink() if damage == "gone" else path.write_text("".join(lines[:12]))
    assert_resumes_to(expected, folder)
    assert f"{path} has lost its end" in capsys.readouterr().err
    assert status.over(folder)


def test_an_event_log_that_lost_no_more_than_its_end_costs_no_step(
    make_trial: MakeTrial, after: After, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_trial().folder
    expected = whole(folder)
    reset(folder)
    assert trial.run(folder, after(25)) == "interrupted"
    path = folder / "journal.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert_resumes_to(expected, folder)
    assert capsys.readouterr().err == ""


def test_only_one_process_trains_a_trial(make_trial: MakeTrial) -> None:
    item = make_trial()
    with status.owning(item.folder) as mine:
        assert mine
        assert trial.run(item.folder) == "running"
    assert item.status.status == "pending"


def test_a_damaged_checkpoint_is_reported_and_the_older_one_used(
    make_trial: MakeTrial, after: After, capsys: pytest.CaptureFixture[str]
) -> None:
    item = make_trial()
    trial.run(item.folder, after(25))
    _, newest = sorted(item.folder.glob("checkpoint-*.safetensors"))
    content = bytearray(newest.read_bytes())
    content[-5] ^= 1
    newest.write_bytes(content)
    assert trial.run(item.folder) == "done"
    assert f"{newest} is damaged" in capsys.readouterr().err
    assert newest.with_name(newest.name + ".damaged").exists()


class _Killed(BaseException):
    """Ends a trial as SIGKILL does: nothing is written down any more."""


def test_killed_while_it_is_measured_a_trial_loses_no_step(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_trial()

    def killed(*given: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(trainer.evaluation, "samples", killed)
        with pytest.raises(_Killed):
            trial.run(item.folder)
    taken: list[int] = []
    train_step = trainer.Trainer.train_step
    monkeypatch.setattr(
        trainer.Trainer, "train_step", lambda self: (taken.append(self.step), train_step(self))
    )
    (item.folder / ".checkpoint-000000030.safetensors.torn").write_bytes(b"half")
    assert trial.run(item.folder) == "done"
    assert taken == list(range(10, 30))
    assert not list(item.folder.glob("*checkpoint*"))


def test_a_clock_that_is_set_back_changes_nothing(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_trial()
    monkeypatch.setattr(trainer, "_HEARTBEAT_SECONDS", 0.0)
    back = itertools.count(start=2_000_000_000, step=-3600)
    monkeypatch.setattr("time.time", lambda: float(next(back)))
    monkeypatch.setattr("time.time_ns", lambda: next(back) * 10**9)
    beats: list[int] = []
    write = status.Status.write
    monkeypatch.setattr(
        status.Status,
        "write",
        lambda self, folder: (beats.append(self.images), write(self, folder)),
    )
    assert trial.run(item.folder) == "done"
    assert len(set(beats)) == 31, "a heartbeat a step"
    assert 0 < metrics_of_clock(item.folder)["cost/seconds"] < 600


def metrics_of_clock(folder: Path) -> dict[str, float]:
    return {
        name: value
        for entry, _ in event_log.read(folder / "journal.jsonl")
        for name, value in entry.get("metrics", {}).items()
        if "seconds" in name
    }


def test_wrong_classifier_weights_fail_the_trial_in_a_sentence(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(*given: object) -> None:
        raise UserError("The classifier's weights are altered: fetch them again.")

    monkeypatch.setattr(type(datasets.get("mnist")), "evaluator", altered)
    item = make_trial()
    assert trial.run(item.folder) == "failed"
    assert item.status.reason == "The classifier's weights are altered: fetch them again."


def test_a_conditional_variant_is_compared_with_its_labels(make_trial: MakeTrial) -> None:
    """At the end of its budget; an unconditional one is not."""
    labelled = {"label_accuracy", "fid_within", "fid_within_worst", "cas"}
    for variant, expected in (("cgan", labelled), ("mlp_bce", set())):
        item = make_trial(variant, "budget=64", "evaluations=1")
        assert trial.run(item.folder) == "done"
        entries = [entry for entry, _ in event_log.read(item.folder / "journal.jsonl")]
        named = {name for entry in entries for name in entry.get("metrics", {})}
        assert {name.removeprefix("final/") for name in named} & labelled == expected


def test_a_row_of_an_experiment_is_trained_as_its_variant(
    make_trial: MakeTrial, tmp_path: Path
) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(
        'variants = ["half"]\nseeds = 1\nbudget = 64\nbatch = 32\nevaluations = 1\nsamples = 100\n'
        '[variant.half]\nvariant = "ablation"\nwidth = 0.5\n'
    )
    chosen = experiments.load(str(path))
    (item,) = planning.plan(chosen)
    planning.prepare([item], chosen, ())
    assert trial.run(item.folder) == "done"
    assert planning.outdated([item]) == []
    network, _ = generator.load(item.folder)
    assert network[0].out_features == 128
    content = json.loads((item.folder / "trial.json").read_text())
    assert content["identity"]["variant"] == "half"
    assert content["identity"]["algorithm"] == "ablation"
    assert next(iter(content["recorded"]["code"])) == "bench/variants/ablation.py"
