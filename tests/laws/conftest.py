"""Everything registered goes through the laws: the repository's variants and those of plug-ins."""

import re
from pathlib import Path

import pytest

from bench.cli.new import template
from bench.variants import GAN, registry

README = Path(__file__).parent.parent.parent / "README.md"


NO_GAMES = {"flow_matching", "vae"}
"""Variants that are an `Algorithm`, but no `GAN`."""


def readme_plugin() -> str:
    """The complete example of a variant in the README."""
    (example,) = re.findall(r"```python\n(\"\"\"Hinge.*?)```", README.read_text(), re.DOTALL)
    return str(example)


PLUGINS = {"hinge_r1": readme_plugin(), "from_template": template("from_template")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    variants = [*registry.names(), *PLUGINS]
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", variants)
    if "game" in metafunc.fixturenames:
        metafunc.parametrize("game", [name for name in variants if name not in NO_GAMES])


@pytest.fixture(scope="session", autouse=True)
def plugins(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The README's variant and the template's, each loaded from an empty folder."""
    for name, text in PLUGINS.items():
        path = tmp_path_factory.mktemp("plugin") / f"{name}.py"
        path.write_text(text)
        assert len(text.splitlines()) <= 30
        assert registry.load_plugin(path) == [name]
    for name in NO_GAMES:
        left_out = registry.create(name, registry.configure(name, {}), (1, 28, 28), 10)
        assert not isinstance(left_out, GAN)
