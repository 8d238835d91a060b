"""Everything registered goes through the laws: the repository's variants and the README's."""

import re
from pathlib import Path

import pytest

from bench.cli.new import template
from bench.variants import GAN, registry

README = Path(__file__).parent.parent.parent / "README.md"


NO_GAMES = {"vae"}
"""Variants that are an `Algorithm`, but no `GAN`."""
EXAMPLES = sorted((Path(__file__).parent.parent / "variants" / "examples").glob("*.py"))


def readme_plugin() -> str:
    """The complete example of a variant in the README."""
    (example,) = re.findall(r"```python\n(\"\"\"WGAN-GP.*?)```", README.read_text(), re.DOTALL)
    return str(example)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    outside = ["wgan_gp", "from_template", *(path.stem for path in EXAMPLES)]
    variants = [*registry.names(), *outside]
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", variants)
    if "game" in metafunc.fixturenames:
        metafunc.parametrize("game", [name for name in variants if name not in NO_GAMES])


@pytest.fixture(scope="session", autouse=True)
def plugins(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The README's variant and the examples, each loaded from an empty folder as a plug-in."""
    texts = {"wgan_gp": readme_plugin(), "from_template": template("from_template")} | {
        path.stem: path.read_text() for path in EXAMPLES
    }
    for name, text in texts.items():
        path = tmp_path_factory.mktemp("plugin") / f"{name}.py"
        path.write_text(text)
        assert len(text.splitlines()) <= 30
        assert registry.load_plugin(path) == [name]
    for name in NO_GAMES:
        left_out = registry.create(name, registry.configure(name, {}), (1, 28, 28), 10)
        assert not isinstance(left_out, GAN)
