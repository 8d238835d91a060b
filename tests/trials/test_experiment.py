"""An experiment: what it is called, what it resolves to, and where its tables go."""

import tomllib
from pathlib import Path

import pytest

from bench import paths
from bench.errors import UserError
from bench.trials import Trial
from bench.trials import experiment as experiments
from bench.trials.experiment import Experiment

OWN = 'variants = ["wgan"]\nseeds = 2\nbudget = 640\n'


@pytest.fixture
def own(tmp_path: Path, own_store: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    return path


def keys(chosen: Experiment) -> set[str]:
    return {trial.key for trial in chosen.trials()}


def test_a_file_of_the_project_as_it_stands_is_its_own_text(own_store: Path) -> None:
    chosen = experiments.load("quick")
    assert chosen.as_it_stands
    assert chosen.resolved == (experiments.folder() / "quick.toml").read_text()
    assert chosen.results == paths.home() / "results" / "quick"
    assert chosen.whole_command == "ganbench run quick"
    assert experiments.load(str(experiments.folder() / "quick.toml")) == chosen


@pytest.mark.parametrize(
    ("overrides", "variants", "seeds", "command"),
    [
        (["budget=1280", "wgan.clip=0.02"], None, None,
         "ganbench run quick -o budget=1280 -o wgan.clip=0.02"),
        ([], ["wgan"], None, "ganbench run quick --variants wgan"),
        ([], None, "5", "ganbench run quick --seeds 5"),
        ([], None, "3,", "ganbench run quick --seeds 3,"),
        (["batch=32"], ["wgan", "mlp_bce"], "0,7",
         "ganbench run quick -o batch=32 --variants wgan,mlp_bce --seeds 0,7"),
    ],
)  # fmt: skip
def test_whatever_is_changed_is_resolved_and_stays_out_of_the_source_tree(
    overrides: list[str],
    variants: list[str] | None,
    seeds: str | None,
    command: str,
    own_store: Path,
    tmp_path: Path,
) -> None:
    loaded = experiments.load("quick", overrides)
    chosen = experiments.select(loaded, variants or loaded.variants, seeds)
    assert chosen.whole_command == command
    assert chosen.results == own_store / "results" / chosen.name
    assert chosen.resolved.startswith(f"# {command}\n")
    again = tmp_path / "again.toml"
    again.write_text(chosen.resolved)
    assert keys(experiments.load(str(again))) == keys(chosen)


def test_a_choice_of_what_the_file_says_changes_nothing(own_store: Path) -> None:
    loaded = experiments.load("quick")
    assert experiments.select(loaded, loaded.variants, "3").as_it_stands


def test_a_plug_in_stands_in_the_command(own: Path) -> None:
    chosen = experiments.select(experiments.load("quick"), ["wgan"], "2", [own])
    assert chosen.whole_command == (
        "ganbench run quick --plugin mine.toml --variants wgan --seeds 2"
    )


def test_a_file_of_ones_own_has_a_name_of_its_own(own: Path, tmp_path: Path) -> None:
    first = experiments.load(str(own))
    assert first.name.startswith("mine-")
    assert not first.as_it_stands
    assert first.results == paths.root() / "results" / first.name
    assert first.resolved == OWN
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / "mine.toml"
    other.write_text(OWN)
    assert experiments.load(str(other)).name != first.name
    own.write_text(OWN.replace("640", "1280"))
    assert experiments.load(str(own)).name != first.name
    own.write_text(OWN.replace("seeds = 2", 'seeds = 5\ndescription = "More of them."'))
    assert experiments.load(str(own)).name == first.name
    assert experiments.recorded_name(str(own)) == first.name
    assert experiments.recorded_name("quick@budget=640") == "quick@budget=640"


def test_a_path_of_the_machine_is_no_part_of_the_command(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert experiments.load(str(own)).command == "ganbench run mine.toml"
    monkeypatch.chdir(own.parent.parent)
    typed = f"{own.parent.name}/mine.toml"
    assert experiments.load(typed).command == f"ganbench run {typed}"


def test_what_is_resolved_is_whole_toml(own_store: Path) -> None:
    chosen = experiments.load("quick", ["wgan.clip=0.02", "seeds=1", "description=two_words"])
    settings = tomllib.loads(chosen.resolved)
    assert settings["variant"] == {"wgan": {"clip": 0.02}}
    assert (settings["seeds"], settings["description"]) == ([0], "two_words")
    assert settings["variants"] == experiments.load("quick").variants


def test_the_control_is_one_of_the_variants(own: Path) -> None:
    own.write_text('variants = ["wgan", "mlp_bce"]\nseeds = 2\nbudget = 640\ncontrol = "mlp_bce"\n')
    chosen = experiments.load(str(own))
    assert chosen.control == "mlp_bce"
    sentence = "key 'control' does not fit: it is not one of the variants, so add it to them .found"
    with pytest.raises(UserError, match=sentence):
        experiments.load(str(own), ["control=r1"])
    with pytest.raises(UserError, match=f"The command line: the {sentence}"):
        experiments.select(chosen, ["wgan"], None)


ROWS = (
    OWN.replace('["wgan"]', '["wgan", "wide_clip"]')
    + """
[variant.wide_clip]
variant = "wgan"
clip = 0.1
"""
)


def test_common_settings_are_every_variants_and_a_table_of_its_own_goes_first(own: Path) -> None:
    own.write_text(ROWS.replace("[variant", "[common]\nlr = 1e-4\nclip = 0.5\n[variant", 1))
    usual, wide, *_ = experiments.load(str(own), ["common.lr=2e-4"]).trials()
    assert (usual.configuration["lr"], usual.configuration["clip"]) == (2e-4, 0.5)
    assert (wide.configuration["lr"], wide.configuration["clip"]) == (2e-4, 0.1)
    with pytest.raises(UserError, match="no key of the variant 'wgan' 'gamma'"):
        experiments.load(str(own), ["common.gamma=1"]).trials()


class TestRows:
    """Several configurations of a variant, each under a name of its own."""

    def test_each_is_a_trial_of_the_variant(self, own: Path) -> None:
        own.write_text(ROWS)
        usual, wide, *_ = experiments.load(str(own)).trials()
        assert (usual.variant, usual.algorithm) == ("wgan", "wgan")
        assert (wide.variant, wide.algorithm, wide.title) == (
            "wide_clip",
            "wgan",
            "wide_clip seed 0",
        )
        assert wide.configuration == {**usual.configuration, "clip": 0.1}
        assert "algorithm" not in usual.identity
        assert Trial.from_identity(usual.identity) == usual
        assert Trial.from_identity(wide.identity) == wide
        assert wide.key != usual.key
        assert wide.protocol_id == usual.protocol_id

    def test_an_option_changes_one(self, own: Path) -> None:
        own.write_text(ROWS)
        chosen = experiments.load(str(own), ["wide_clip.clip=0.2"])
        assert chosen.trials()[1].configuration["clip"] == 0.2
        own.write_text(chosen.resolved)
        assert keys(experiments.load(str(own))) == keys(chosen)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (('"wgan"\nclip', '"wgn"\nclip'), "no variant 'wgn': did you mean 'wgan'?"),
            (('"wgan"\nclip', "3\nclip"), "'variant' of .variant.wide_clip. is 3: write the name"),
            (
                ("clip = 0.1", "clp = 0.1"),
                "no key of the variant 'wgan' 'clp': did you mean 'clip'",
            ),
            (("wide_clip", "wide clip"), "'wide clip' cannot name a row: use up to 100 letters"),
        ],
    )
    def test_what_does_not_fit(self, change: tuple[str, str], sentence: str, own: Path) -> None:
        text = ROWS.replace("[variant.wide_clip]", '[variant."wide_clip"]')
        own.write_text(text.replace(*change))
        with pytest.raises(UserError, match=sentence):
            experiments.load(str(own)).trials()
