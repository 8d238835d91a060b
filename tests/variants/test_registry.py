"""Names, configurations and plug-in files, and the sentences for what is wrong with them."""

import signal
import sys
from pathlib import Path

import pytest
import torch

from bench.errors import UserError
from bench.trials import experiment as experiments
from bench.variants import registry

PLUGIN = '''
"""A plain GAN under another name (Goodfellow et al. 2014)."""
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("{name}")
class Mine(MLPBCE):
    """Mine."""
    {body}
'''


def plugin(folder: Path, name: str, body: str = "lr: float = 1e-3") -> Path:
    path = folder / f"{name}.py"
    path.write_text(PLUGIN.format(name=name, body=body))
    return path


def test_the_four_are_there() -> None:
    four = {"batchnorm_dropout", "mlp_bce", "spectral_norm", "wgan"}
    assert four <= set(registry.names())


def test_did_you_mean() -> None:
    with pytest.raises(UserError, match="no variant 'wgn': did you mean 'wgan'?"):
        registry.get("wgn")


def test_defaults_and_overrides() -> None:
    found = registry.configure("wgan", {"clip": 0.02})
    assert found == {"latent": 100, "n_critic": 5, "clip": 0.02, "lr": 5e-5}


def test_unknown_key() -> None:
    with pytest.raises(UserError, match="no key of the variant 'wgan' 'clp': did you mean 'clip'?"):
        registry.configure("wgan", {"clp": 1})


@pytest.mark.parametrize(("key", "value"), [("n_critic", 0), ("clip", "wide"), ("lr", -1.0)])
def test_value_out_of_range(key: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"does not fit wgan\.{key}: Input should be"):
        registry.configure("wgan", {key: value})


def test_a_plugin_is_found_and_configured(tmp_path: Path) -> None:
    path = plugin(tmp_path, "mine_a")
    assert registry.load_plugin(path) == ["mine_a"]
    assert registry.load_plugin(path) == ["mine_a"]
    assert registry.configure("mine_a", {})["lr"] == 1e-3
    assert registry.source("mine_a") == path


def test_missing_plugin(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none.py does not exist"):
        registry.load_plugin(tmp_path / "none.py")


def test_broken_plugin(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_that_name")
    with pytest.raises(UserError, match=r"failed to load \(ModuleNotFoundError"):
        registry.load_plugin(path)


def test_plugin_without_a_variant(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("")
    with pytest.raises(UserError, match=r"registers no variant: decorate its class"):
        registry.load_plugin(path)


def test_taken_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'wgan' in .* is already taken"):
        registry.load_plugin(plugin(tmp_path, "wgan"))
    assert registry.source("wgan").name == "wgan.py"
    assert "bench" in str(registry.source("wgan"))


def test_reserved_field(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="configuration field 'seed'"):
        registry.load_plugin(plugin(tmp_path, "mine_b", "seed: int = 3"))


@pytest.mark.parametrize(("key", "value"), [("lr", True), ("lr", "1"), ("n_critic", 5.0)])
def test_a_value_of_another_type_is_not_converted(key: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"The value {value!r} does not fit wgan\.{key}"):
        registry.configure("wgan", {key: value})


def test_a_whole_number_is_a_number() -> None:
    assert registry.configure("wgan", {"lr": 1})["lr"] == 1.0


NOT_PLAIN = "but a setting must be a finite number, True or False, text, None"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("cap: float = float('inf')", NOT_PLAIN),
        ("cap: float = float('nan')", NOT_PLAIN),
        ("act: object = print", NOT_PLAIN),
        ("act: torch.nn.Module = torch.nn.ReLU()", NOT_PLAIN),
        ("where: Path = Path('x')", NOT_PLAIN),
        ("lr: float = np.float32(1e-3)", NOT_PLAIN),
        ("n_critic: int = np.int64(2)", NOT_PLAIN),
        ("widths: dict = {1: 2}", NOT_PLAIN),
        ("act: object = 'relu'; mode: torch.nn.Module = 'x'", "is not the type of a setting"),
        ("where: Path = 'x'", "turns it into something else than a finite number"),
        ("lr: float = 'high'", "does not allow that: Input should be a valid number"),
        ("lr: float = True", "does not allow that: Input should be a valid number"),
        ("n_critic: int = 2.0", "does not allow that: Input should be a valid integer"),
        ("lr = -1.0", "does not allow that: Input should be greater than 0"),
    ],
)
def test_a_default_that_cannot_be_recorded(line: str, problem: str, tmp_path: Path) -> None:
    path = plugin(tmp_path, "mine_d", line)
    imports = "from pathlib import Path\nimport numpy as np\nimport torch\n"
    path.write_text(path.read_text().replace("from bench", imports + "from bench", 1))
    field = line.split("; ")[-1].split(":")[0].split(" =")[0]
    with pytest.raises(UserError, match=rf"'mine_d' in {path} has the default {field} = ") as found:
        registry.load_plugin(path)
    assert problem in str(found.value)
    assert "mine_d" not in registry.names()


def test_defaults_of_the_allowed_kinds_stay_as_they_are(tmp_path: Path) -> None:
    body = """betas: tuple[float, float] = (0, 0.9)
    widths: list[int] = [256, 512]
    act: str = "relu"
    cap: float | None = None
    fast: bool = True
    copy: int = 1
    model_size: int = 2"""
    registry.load_plugin(plugin(tmp_path, "mine_e", body))
    found = registry.configure("mine_e", {"betas": [0.5, 1]})
    assert found["betas"] == (0.5, 1.0)
    assert type(registry.configure("mine_e", {})["betas"][0]) is int, "it stands in the key"
    assert (found["widths"], found["act"], found["cap"]) == ([256, 512], "relu", None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("width: int", "'width' of the class Mine has no default"),
        ("width: 'Nothing' = 3", "of the class Mine cannot be evaluated"),
    ],
)
def test_an_annotation_that_is_no_setting(line: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=problem):
        registry.load_plugin(plugin(tmp_path, "mine_f", line))


@pytest.mark.parametrize("name", ["my/gan", "my gan", "a,b", "", ".gan", "a:b", "x" * 101, "gän"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(UserError, match=r"cannot name a variant: use up to 100 letters"):
        registry.register(name)


def test_register_without_a_name() -> None:
    with pytest.raises(UserError, match=r"<class .*Path'> cannot name a variant"):
        registry.register(Path)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["my-gan", "my.gan", "3gan_x"])
def test_an_option_reaches_a_variant_of_any_name(name: str, tmp_path: Path) -> None:
    path = plugin(tmp_path, "named")
    path.write_text(path.read_text().replace('"named"', f'"{name}"'))
    assert registry.load_plugin(path) == [name]
    chosen = experiments.select(experiments.load("quick", [f"{name}.lr=1"]), [name], "1")
    assert chosen.trials()[0].configuration["lr"] == 1.0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("import sys; sys.exit(0)", "calls sys.exit when it is imported: put everything but"),
        ("import argparse; argparse.ArgumentParser().parse_args(['-x'])", "calls sys.exit"),
        ("raise type('Odd', (BaseException,), {})('so')", r"failed to load \(Odd: so\): fix it"),
        ("raise ValueError('a\\nb')", r"failed to load \(ValueError: a b\)"),
    ],
)
def test_a_plugin_that_ends_the_program(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "ends.py"
    path.write_text(line)
    with pytest.raises(UserError, match=problem):
        registry.load_plugin(path)


@pytest.mark.parametrize("line", ["raise KeyboardInterrupt", "raise SystemExit(143)"])
def test_a_stop_during_the_import_is_a_stop(line: str, tmp_path: Path) -> None:
    path = tmp_path / "stopped.py"
    path.write_text(line)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        registry.load_plugin(path)


def test_a_plugin_that_fails_registers_nothing(tmp_path: Path) -> None:
    path = plugin(tmp_path, "mine_g")
    path.write_text(path.read_text() + "\nraise ValueError('late')")
    with pytest.raises(UserError, match="late"):
        registry.load_plugin(path)
    assert "mine_g" not in registry.names()


def test_two_classes_under_one_name(tmp_path: Path) -> None:
    path = plugin(tmp_path, "mine_h")
    again = '\n@register("mine_h")\nclass Other(MLPBCE):\n    """Other."""\n'
    path.write_text(path.read_text() + again)
    with pytest.raises(UserError, match=r"name 'mine_h' in .* is already taken by"):
        registry.load_plugin(path)


def test_a_plugin_leaves_the_process_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["ganbench", "run"])
    path = plugin(tmp_path, "mine_i")
    path.write_text(
        path.read_text()
        + """
import os, signal, sys, torch
os.chdir("/")
sys.argv.append("x")
sys.argv = ["y"]
signal.signal(signal.SIGINT, signal.SIG_IGN)
torch.set_num_threads(torch.get_num_threads() + 1)
torch.set_default_dtype(torch.float64)
print("loaded")
"""
    )
    before = Path.cwd(), signal.getsignal(signal.SIGINT), torch.get_num_threads()
    registry.load_plugin(path)
    assert before == (Path.cwd(), signal.getsignal(signal.SIGINT), torch.get_num_threads())
    assert torch.get_default_dtype() == torch.float32
    assert sys.argv == ["ganbench", "run"]
    assert capsys.readouterr() == ("", "loaded\n"), "stdout is for the command"


def test_one_file_by_two_paths(tmp_path: Path) -> None:
    path, link = plugin(tmp_path, "mine_j"), tmp_path / "link.py"
    link.symlink_to(path)
    assert registry.load_plugin(path) == registry.load_plugin(link) == ["mine_j"]


def test_a_byte_order_mark(tmp_path: Path) -> None:
    path = plugin(tmp_path, "mine_k")
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")
    assert registry.load_plugin(path) == ["mine_k"]


def test_a_plugin_that_is_no_python_file(tmp_path: Path) -> None:
    path = plugin(tmp_path, "mine_l").rename(tmp_path / "mine_l.txt")
    for wrong in (path, tmp_path):
        with pytest.raises(UserError, match=r"is not a Python file: its name must end in \.py"):
            registry.load_plugin(wrong)


def test_an_installed_package_whose_variants_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        value = "their_gans:all"

        def load(self) -> None:
            raise ImportError("no such thing")

    monkeypatch.setattr("bench.registry.entry_points", lambda group: [Broken()])
    with pytest.raises(UserError, match=r"their_gans:all failed to load \(ImportError: no such"):
        registry.names()
