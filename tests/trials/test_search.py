"""[search] in an experiment file: what it draws, its two phases, and what is wrong with it."""

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc, spearmanr

from bench.errors import UserError
from bench.trials import experiment as experiments
from bench.trials import phases
from bench.trials.experiment import Experiment
from bench.trials.search import FIRST_SEED, Search, best, drawn, parse, shares

HEAD = 'variants = ["wgan", "lsgan", "fast"]\nseeds = 2\nbudget = 6400\n'
TABLES = """
[variant.fast]
variant = "lsgan"
lr_d = 1e-3
[search]
settings = 4
seeds = 2
budget = 640
[search.space]
lr_d = "loguniform(1e-5, 1e-2)"
[search.variant.wgan]
clip = "uniform(0.01, 1)"
n_critic = "choice(1, 5)"
"""
FILE = HEAD + TABLES


def loaded(folder: Path, text: str, *overrides: str) -> tuple[Experiment, Search]:
    path = folder / "tuned.toml"
    path.write_text(text)
    experiment = experiments.load(str(path), overrides)
    assert experiment.search is not None
    return experiment, experiment.search


def test_each_setting_is_an_ordinary_trial_of_the_search_budget(
    own_store: Path, tmp_path: Path
) -> None:
    trials = phases.search_trials(*loaded(tmp_path, FILE))
    assert [place.row for _, place in trials[:4]] == ["wgan", "lsgan", "fast", "wgan"]
    assert [place.setting for _, place in trials[:4]] == [0, 0, 0, 1]
    assert len(trials) == 3 * 4 * 2
    assert {trial.seed for trial, _ in trials} == {FIRST_SEED, FIRST_SEED + 1}
    assert {(trial.budget, trial.evaluations) for trial, _ in trials} == {(640, 1)}
    first = {trial.variant: trial for trial, _ in trials[:12]}
    assert (first["wgan_s03"].algorithm, first["fast_s03"].algorithm) == ("wgan", "lsgan")
    assert first["fast_s00"].configuration["lr_d"] == 1e-3
    assert first["wgan_s00"].configuration["clip"] == 0.01
    assert "lr_d" not in first["wgan_s01"].configuration
    assert first["lsgan_s02"].configuration["lr_d"] == first["fast_s02"].configuration["lr_d"]


def test_the_final_phase_has_the_defaults_and_what_was_chosen(
    own_store: Path, tmp_path: Path
) -> None:
    experiment, search = loaded(tmp_path, FILE)
    trials = phases.final_trials(experiment, search, {"wgan": 2, "lsgan": 0, "fast": 1})
    rows = {trial.variant: trial for trial, _ in trials}
    assert list(rows) == ["wgan", "wgan_tuned", "lsgan", "fast", "fast_tuned"]
    tried = {trial.variant: trial for trial, _ in phases.search_trials(experiment, search)}
    assert rows["wgan_tuned"].configuration == tried["wgan_s02"].configuration
    assert rows["fast_tuned"].configuration == tried["fast_s01"].configuration
    assert {trial.seed for trial, _ in trials} == {0, 1}
    assert {trial.budget for trial, _ in trials} == {6400}


def test_a_search_changes_no_key_of_the_experiment(own_store: Path, tmp_path: Path) -> None:
    experiment, search = loaded(tmp_path, FILE)
    (tmp_path / "plain.toml").write_text(FILE.partition("[search]")[0])
    plain = experiments.load(str(tmp_path / "plain.toml"))
    final = [trial.key for trial, _ in phases.final_trials(experiment, search, {})]
    assert final == [trial.key for trial in plain.trials()] == [t.key for t in experiment.trials()]


def test_more_settings_contain_the_fewer(own_store: Path, tmp_path: Path) -> None:
    few = {trial.key for trial, _ in phases.search_trials(*loaded(tmp_path, FILE))}
    more = loaded(tmp_path, FILE.replace("settings = 4", "settings = 40"))
    assert few < {trial.key for trial, _ in phases.search_trials(*more)}
    assert loaded(tmp_path, FILE)[0].name == more[0].name


def test_another_field_changes_the_draws_of_none(own_store: Path, tmp_path: Path) -> None:
    added = FILE.replace("[search.space]", '[search.space]\nbeta1 = "uniform(0, 0.9)"')
    before = phases.search_trials(*loaded(tmp_path, FILE))
    after = phases.search_trials(*loaded(tmp_path, added))
    for (old, _), (new, _) in zip(before, after, strict=True):
        assert {**new.configuration, "beta1": None} == {**old.configuration, "beta1": None} or (
            old.variant.startswith("wgan") and new == old
        )
    assert before[0][0].key == after[0][0].key
    assert before[4][0].key != after[4][0].key


def test_a_field_is_drawn_evenly_however_many_settings_there_are() -> None:
    for count in (1, 2, 4, 32):
        assert sorted(int(share * count) for share in shares("lr", count)) == list(range(count))
    assert shares("lr", 39)[:19] == shares("lr", 19)
    random = np.random.default_rng(0)
    fields = [f"field{number}" for number in range(20)]
    own = [qmc.discrepancy(np.array(shares(name, 39))[:, None]) for name in fields]
    plain = [qmc.discrepancy(random.random((39, 1))) for name in fields]
    assert sum(own) < sum(plain) / 4
    assert shares("lr", 19) != shares("clip", 19)


def test_two_fields_do_not_move_together() -> None:
    fields = [f"field{number}" for number in range(20)]
    pairs = itertools.combinations(fields, 2)
    linked = [abs(spearmanr(shares(a, 63), shares(b, 63)).statistic) for a, b in pairs]
    assert sum(linked) / len(linked) < 1.3 * math.sqrt(2 / math.pi / 62)  # as for random draws
    assert max(linked) < 0.6


def test_draws_lie_in_their_range_and_can_be_typed_again() -> None:
    space = {"lr": parse("loguniform(1e-5, 1e-2)"), "beta": parse("uniform(0, 0.9)"),
             "loss": parse("choice('a', true, [0.5, 0.9])")}  # fmt: skip
    first, *rest = drawn(space, 64)
    assert first == {}
    assert all(1e-5 <= row["lr"] <= 1e-2 and 0 <= row["beta"] <= 0.9 for row in rest)
    assert sum(row["lr"] < 10**-3.5 for row in rest) in (31, 32)  # half of the logarithms
    assert all(float(f"{row['lr']:.4g}") == row["lr"] for row in rest)
    counts = [sum(row["loss"] == value for row in rest) for value in ("a", True, [0.5, 0.9])]
    assert min(counts) >= 19


def test_the_draws_are_the_same_in_another_process() -> None:
    code = "from bench.trials.search import shares; import json; print(json.dumps(shares('lr', 9)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert tuple(json.loads(out.stdout)) == shares("lr", 9)


def test_a_class_carries_a_space_of_its_own(
    own_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.variants import registry

    monkeypatch.setattr(
        registry.get("vae"), "search_space", {"lr": "choice(0.5, 0.25)"}, raising=False
    )
    text = FILE.replace('"fast"]', '"vae"]')
    trials = phases.search_trials(*loaded(tmp_path, text))
    lrs = {t.configuration["lr"] for t, place in trials if place.row == "vae" and place.setting}
    assert lrs == {0.5, 0.25}
    own = text + '[search.variant.vae]\nlr = "choice(0.125, 0.125)"\n'
    trials = phases.search_trials(*loaded(tmp_path, own))
    lrs = {t.configuration["lr"] for t, place in trials if place.row == "vae" and place.setting}
    assert lrs == {0.125}


def test_a_key_of_the_search_can_be_an_option(own_store: Path, tmp_path: Path) -> None:
    experiment, search = loaded(tmp_path, FILE, "search.settings=3", "search.seeds=1")
    assert (search.settings, search.seeds) == (3, [FIRST_SEED])
    again = tmp_path / "again.toml"
    again.write_text(experiment.resolved)
    assert experiments.load(str(again)).search == search


def test_a_part_of_an_experiment_may_lack_a_common_field(own_store: Path, tmp_path: Path) -> None:
    experiment, _ = loaded(tmp_path, FILE)
    part = experiments.select(experiment, ["wgan"], None)
    assert part.search is not None
    alone = {trial.key for trial, _ in phases.search_trials(part, part.search)}
    assert alone < {trial.key for trial, _ in phases.search_trials(experiment, part.search)}
    (tmp_path / "again.toml").write_text(part.resolved)
    again = experiments.load(str(tmp_path / "again.toml"))
    assert again.search == part.search
    assert {trial.key for trial, _ in phases.search_trials(again, part.search)} == alone


def test_common_settings_and_a_control_stand_in_a_search(own_store: Path, tmp_path: Path) -> None:
    text = HEAD.replace('"wgan", ', "") + 'control = "fast"\n[common]\nwidth = 0.5\n' + TABLES
    experiment, search = loaded(tmp_path, text)
    both = phases.search_trials(experiment, search) + phases.final_trials(
        experiment, search, {"fast": 1}
    )
    assert {trial.configuration["width"] for trial, _ in both} == {0.5}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("clip =", "clipp =", "cannot draw clipp of wgan .*no key of the variant 'wgan' 'clipp'"),
        ("lr_d = \"", "lr_x = \"", "No variant has the field 'lr_x' of .search.space.: correct"),
        ("(0.01, 1)", "(1, 0.01)", "'search.variant.wgan.clip' does not fit: this range is empty"),
        ("(0.01, 1)", "(0.01)", "uniform needs two numbers"),
        ("(0.01, 1)", "(0.01, true)", "uniform needs two numbers"),
        ("(1e-5", "(0", "a logarithmic range begins above 0"),
        ("uniform(0.01", "normal(0.01", "this is no distribution: write uniform"),
        ("choice(1, 5)", "choice()", "this is no distribution"),
        ("choice(1, 5)", "choice(1, oops)", "this is no distribution"),
        ("choice(1, 5)", "choice(1, 0.5)", "cannot draw n_critic of wgan from choice.*0.5"),
        ("choice(1, 5)", "choice(1, 'x')", "cannot draw n_critic of wgan from choice.*'x'"),
        ("choice(1, 5)", "choice(0, 5)", "cannot draw n_critic of wgan from choice.*0"),
        ("choice(1, 5)", "uniform(1, 5)", "cannot draw n_critic of wgan from uniform.*1.0"),
        ("[search.variant.wgan]", "[search.variant.wgann]", "no variant 'wgann'"),
        ("settings = 4", "settings = 1", "'search.settings' does not fit"),
        ("settings = 4", "sets = 4", "'search.settings' does not fit: Field required"),
        ("seeds = 2\nbudget = 640\n", "seeds = [1]\nbudget = 640\n", "The seed 1 belongs to the"),
        ("seeds = 2\nbudget = 640\n", "seeds = []\nbudget = 640\n", "'search.seeds' does not fit"),
        ("seeds = 2\nbudget = 640\n", "seeds = 0\nbudget = 640\n", "'search.seeds' does not fit"),
        ("budget = 640\n", "", "'search.budget' does not fit: Field required"),
        ("[search.variant.wgan]\nclip = \"uniform(0.01, 1)\"\nn_critic = \"choice(1, 5)\"\n", "",
         "nothing to draw for wgan: add a table .search.variant.wgan."),
        ("fast", "wgan_s01", "The search names a row wgan_s01 itself"),
    ],
)  # fmt: skip
def test_what_is_wrong_gets_one_sentence(
    old: str, new: str, sentence: str, own_store: Path, tmp_path: Path
) -> None:
    assert old in FILE
    with pytest.raises(UserError, match=sentence) as raised:
        phases.search_trials(*loaded(tmp_path, FILE.replace(old, new)))
    assert "\n" not in str(raised.value)


def test_a_tuned_row_takes_no_name_of_another() -> None:
    experiment = Experiment(name="x", text="", command="", variants=["wgan", "wgan_tuned"], seeds=1,
                            budget=64, variant={"wgan_tuned": {"variant": "wgan"}})  # fmt: skip
    space = {"clip": "uniform(0.1, 1)"}
    search = Search(settings=2, seeds=1, budget=64, space=space)
    with pytest.raises(UserError, match="The search names a row wgan_tuned itself"):
        phases.final_trials(experiment, search, {"wgan": 1})


def test_the_best_has_the_lowest_mean_and_a_diverged_trial_is_worst() -> None:
    assert best({0: [5.0, 5.0], 1: [1.0, math.inf], 2: [4.0, 5.0]}) == 2
    assert best({0: [4.0], 3: [4.0], 1: [9.0]}) == 0
    assert best({0: [math.inf], 1: [math.inf]}) == 0


def test_the_experiment_of_eight_losses_is_a_search_of_160_trials(own_store: Path) -> None:
    experiment = experiments.load("tuned")
    assert experiment.search is not None
    trials = phases.search_trials(experiment, experiment.search)
    assert len(trials) == 160
    assert len({json.dumps(trial.configuration) + place.row for trial, place in trials}) == 160
    last = phases.final_trials(experiment, experiment.search, dict.fromkeys(experiment.variants, 1))
    assert len(last) == 2 * 8 * 5
    assert {trial.protocol_id for trial, _ in trials}.isdisjoint(t.protocol_id for t, _ in last)


def test_the_draws_of_a_field_never_change() -> None:
    """They are in the keys of trials."""
    assert shares("lr", 3) == pytest.approx(
        [0.88083861610, 0.17790453404, 0.54468483853], abs=1e-10
    )
