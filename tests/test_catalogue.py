"""What is remembered of the variants is what they say, for as long as the code is the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import catalogue
from bench.errors import UserError
from bench.variants import registry

PLUGIN = """\"\"\"Mine, 2026.\"\"\"
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

@register("mine_catalogued")
class Mine(MLPBCE):
    lr: float = {lr}
"""
ASKS = """
import sys
from bench.cli import main
sys.argv = ["ganbench", "run", "quick", "--dry-run"]
try:
    main()
except SystemExit as end:
    assert not end.code
print("torch" in sys.modules)
"""


def dry_run() -> list[str]:
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_second_dry_run_says_the_same_without_torch(own_store: Path) -> None:
    *first, loaded = dry_run()
    *second, loaded_again = dry_run()
    assert (loaded, loaded_again) == ("True", "False")
    assert first == second
    assert first[0] == "quick: 12 trials, 0 done, 12 to do."


@pytest.mark.parametrize("overrides", [{}, {"clip": 0.02}])
def test_what_is_remembered_is_what_the_variant_says(
    overrides: dict[str, float], own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, digests = registry.configure("wgan", overrides), registry.digests("wgan")
    for _ in range(2):
        assert catalogue.configure("wgan", overrides) == expected
        assert list(catalogue.digests("wgan").items()) == list(digests.items())
        monkeypatch.delattr(registry, "configure", raising=False)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"code": "of another day", "entries": {}}'])
def test_other_code_or_a_damaged_file_is_asked_again(content: str, own_store: Path) -> None:
    (own_store / "catalogue.json").write_text(content)
    assert catalogue.configure("wgan", {}) == registry.configure("wgan", {})
    kept = json.loads((own_store / "catalogue.json").read_text())
    assert len(kept["code"]) == 64
    assert len(kept["entries"]) == 1


def test_a_plugin_is_always_asked(own_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine_catalogued.py"
    path.write_text(PLUGIN.format(lr=0.5))
    registry.load_plugin(path)
    assert catalogue.configure("mine_catalogued", {})["lr"] == 0.5
    assert not (own_store / "catalogue.json").exists()


def test_what_is_wrong_is_said_and_not_remembered(own_store: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'clip'"):
        catalogue.configure("wgan", {"clp": 1})
    assert not (own_store / "catalogue.json").exists()
