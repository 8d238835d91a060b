"""Everything registered goes through the laws: the repository's variants and those of plug-ins."""

import re
from pathlib import Path

import pytest

from bench.cli.new import template
from bench.variants import registry

README = Path(__file__).parent.parent.parent / "README.md"


def readme_plugin() -> str:
    """The complete example of a variant in the README."""
    (example,) = re.findall(r"```python\n(\"\"\"Hinge.*?)```", README.read_text(), re.DOTALL)
    return str(example)


PLUGINS = {"hinge_r1": readme_plugin(), "from_template": template("from_template")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", [*registry.names(), *PLUGINS])


@pytest.fixture(scope="session", autouse=True)
def plugins(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The README's variant and the template's, each loaded from an empty folder."""
    for name, text in PLUGINS.items():
        path = tmp_path_factory.mktemp("plugin") / f"{name}.py"
        path.write_text(text)
        assert len(text.splitlines()) <= 30
        assert registry.load_plugin(path) == [name]
