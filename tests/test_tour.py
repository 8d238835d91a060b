"""The notebook runs from top to bottom in a fresh kernel, and shows what it says."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "experiments"


def committed() -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / "tour.ipynb", as_version=4)


def shown(notebook: nbformat.NotebookNode, code: str) -> str:
    """What the one cell whose code holds ``code`` printed or returned, as text."""
    (cell,) = (cell for cell in notebook.cells if code in cell.source)
    outputs = [out.get("text") or out.get("data", {}).get("text/plain") for out in cell.outputs]
    return "\n".join(filter(None, outputs))


def test_it_names_no_folder_of_the_machine_that_it_was_made_on() -> None:
    text = (FOLDER / "tour.ipynb").read_text()
    assert not re.search(r"[\"' ](/tmp|/home|/root|/work|/var|/Users)/", text)


@pytest.mark.system
def test_every_cell_runs_and_shows_what_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("GANBENCH_STORE", raising=False)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = committed()
    options = {"timeout": 600, "resources": {"metadata": {"path": str(FOLDER)}}}
    NotebookClient(notebook, kernel_name="python3", **options).execute()
    assert "6.02" in shown(notebook, "agg(")
    assert "Figure" in shown(notebook, ".plot(")
    assert re.search(r"spectral_norm +healthy +8", shown(notebook, "value_counts"))
    trained = shown(notebook, "run ring")
    assert "After 1 of 3 seeds" in trained
    assert "Diagnosis" in trained
    assert re.search(r"^smooth +3 ", trained, re.MULTILINE)
    assert "smooth" in shown(notebook, "load_results(name)")
    assert "Collapsed onto few classes: 2 of 8 are drawn" in shown(notebook, "score points")
    assert "modes: 2 of 8" in shown(notebook, "Evaluator.load")
