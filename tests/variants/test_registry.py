"""Names, configurations and plug-in files, and the sentences for what is wrong with them."""

from pathlib import Path

import pytest

from bench.errors import UserError
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
