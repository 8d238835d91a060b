"""`ganbench new variant`: a file that works, and the sentences where none is written."""

from pathlib import Path

import pytest

from bench.cli.new import new
from bench.errors import UserError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_overwrites_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    new("variant", "my_gan")
    assert capsys.readouterr().out.startswith("Wrote my_gan.py.")
    Path("my_gan.py").write_text("mine")
    with pytest.raises(UserError, match=r"my_gan\.py exists already: choose another name"):
        new("variant", "my_gan")
    assert Path("my_gan.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["my-gan", "../gan", "", "3gan"])
def test_a_name_that_is_no_file_to_import(name: str) -> None:
    with pytest.raises(UserError, match="cannot name the file: use letters"):
        new("variant", name)


def test_only_variants_have_a_template() -> None:
    with pytest.raises(UserError, match="no template 'metrik'"):
        new("metrik", "mine")
