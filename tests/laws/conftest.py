"""Everything registered goes through the laws: the repository's variants and the README's."""

import re
from pathlib import Path

import pytest

from bench.variants import registry

README = Path(__file__).parent.parent.parent / "README.md"


def readme_plugin() -> str:
    """The complete example of a variant in the README."""
    (example,) = re.findall(r"```python\n(\"\"\"WGAN-GP.*?)```", README.read_text(), re.DOTALL)
    return str(example)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", [*registry.names(), "wgan_gp"])


@pytest.fixture(scope="session", autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's variant, loaded as a plug-in from outside the repository."""
    path = tmp_path_factory.mktemp("plugin") / "my_variant.py"
    path.write_text(readme_plugin())
    assert registry.load_plugin(path) == ["wgan_gp"]
    return path
