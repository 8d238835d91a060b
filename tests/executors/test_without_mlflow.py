"""A machine without the mlflow package trains all the same."""

import sys
from pathlib import Path

import pytest

from bench import cli
from bench.trials import event_log

from .commands import SMALL, provide_quick


def test_a_machine_without_mlflow_trains_and_keeps_its_journals(
    own_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    provide_quick(tmp_path)
    monkeypatch.setattr("bench.paths.home", lambda: tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    arguments = ["run", "quick", "--variants", "mlp_bce", "--seeds", "1", "--executor", "serial"]
    monkeypatch.setattr(sys, "argv", ["ganbench", *arguments, *SMALL])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 5  # trained, but not in MLflow
    out = capsys.readouterr().out
    assert out.count("The mlflow package is missing here") == 1
    assert "`ganbench publish" in out
    (path,) = own_store.glob("trials/*/journal.jsonl")
    end = event_log.ending(path)
    assert end is not None
    assert end["status"] == "done"
