"""The file that says which trials belong to which experiment."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.tracking import experiments
from bench.tracking.experiments import ExperimentRecord
from bench.tracking.record import how_to_run
from bench.trials.experiment import load

KEYS = ["a" * 64, "b" * 64, "c" * 64]


def test_plan_is_read_back(about: ExperimentRecord) -> None:
    experiments.write("quick", replace(about, keys=KEYS))
    assert experiments.read("quick") == experiments.Planned(
        "quick", KEYS, replace(about, keys=KEYS)
    )


def test_later_plan_adds_keys_and_replaces_the_rest(about: ExperimentRecord) -> None:
    experiments.write("quick", replace(about, keys=KEYS[:2]))
    later = replace(about, description="Which is worst?", keys=KEYS[1:])
    experiments.write("quick", later)
    assert experiments.read("quick") == experiments.Planned("quick", KEYS, later)


def test_unknown_experiment_is_answered_with_the_closest(about: ExperimentRecord) -> None:
    experiments.write("quick", replace(about, keys=KEYS))
    with pytest.raises(UserError, match="did you mean 'quick'"):
        experiments.read("quik")


@pytest.mark.parametrize("name", ["../../escape", "/tmp/escape", "quick/../x"])
def test_no_name_leads_out_of_the_store(name: str, home: Path, about: ExperimentRecord) -> None:
    path = experiments.write(name, replace(about, keys=KEYS))
    assert path.resolve().parent == home / "experiments"
    assert experiments.read(name).keys == KEYS


def test_all_are_listed_by_name(about: ExperimentRecord) -> None:
    for name in ("quick@budget=6400", "paper", "quick"):
        experiments.write(name, replace(about, keys=KEYS))
    names = [planned.name for planned in experiments.all_planned()]
    assert names == ["paper", "quick", "quick@budget=6400"]


def test_damaged_plan_is_a_sentence(about: ExperimentRecord) -> None:
    experiments.write("quick", replace(about, keys=KEYS)).write_text("{")
    with pytest.raises(UserError, match=r"is damaged .*: delete it and run"):
        experiments.read("quick")


def test_unwritable_store_is_a_sentence(home: Path, about: ExperimentRecord) -> None:
    (home / "experiments").write_text("in the way")
    with pytest.raises(UserError, match="Cannot write"):
        experiments.write("quick", replace(about, keys=KEYS))


@pytest.mark.parametrize("key", ["../" * 8, "a" * 63, "A" * 64, ""])
def test_only_a_key_names_a_trial_folder(key: str) -> None:
    with pytest.raises(ValueError, match="is not the key"):
        experiments.trial_folder(key)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quick", "run `ganbench run quick`"),
        (
            "quick@budget=1280,wgan.clip=0.02",
            "run `ganbench run quick -o budget=1280 -o wgan.clip=0.02`",
        ),
        ("mine@budget=1280", "run its file again"),
    ],
)
def test_a_command_that_is_printed_for_an_experiment_can_be_pasted(
    name: str, expected: str
) -> None:
    said = how_to_run(name)
    assert said == expected
    if "`" in said:
        _, command, _ = said.split("`")
        options = [word for word in command.split()[3:] if word != "-o"]
        assert load(command.split()[2], options).name == name
