"""The tables of the experiment "quick", against stored ones, and what they must never print.

The files in ``expected/`` are what ``render`` writes; after a wanted change, write them again.
"""

import csv
import io
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from bench.analysis import render, report
from bench.analysis.formats import Cell, Grid, escaped, latex
from bench.analysis.summary import Summary, trimmed

from .synthetic import Store

EXPECTED = Path(__file__).parent / "expected"


@pytest.mark.parametrize("format", ["md", "tex"])
def test_the_table_is_the_stored_one(quick: Store, format: str) -> None:
    expected = (EXPECTED / f"table.{format}").read_text(encoding="utf-8")
    assert render("quick", quick.uri, format) == expected  # type: ignore[arg-type]


def test_csv_holds_the_stored_numbers_unrounded(quick: Store) -> None:
    rows, stored = (
        list(csv.reader(io.StringIO(text)))
        for text in (render("quick", quick.uri, "csv"), (EXPECTED / "table.csv").read_text())
    )
    assert rows[0] == stored[0]
    for row, expected in zip(rows[1:], stored[1:], strict=True):
        assert [_value(cell) for cell in row] == [_approx(cell) for cell in expected]


def _value(cell: str) -> object:
    try:
        return float(cell)
    except ValueError:
        return cell


def _approx(cell: str) -> object:
    value = _value(cell)
    return pytest.approx(value) if isinstance(value, float) else value


def test_json_leads_from_every_mean_to_its_runs(quick: Store) -> None:
    tree = json.loads(render("quick", quick.uri, "json"))
    assert next(one["variant"] for one in tree["variants"]) == "spectral_norm"
    wgan = next(one for one in tree["variants"] if one["variant"] == "wgan")
    assert (wgan["n"], wgan["failures"], len(wgan["trials"])) == (2, 1, 3)
    fid = wgan["final"]["fid"]
    assert fid["mean"] == pytest.approx(sum(point["value"] for point in fid["points"]) / 2)
    assert fid["low"] < fid["mean"] < fid["high"]
    assert [trial["status"] for trial in wgan["trials"]] == ["done", "done", "diverged"]
    assert all(len(trial["run_id"]) == 32 for trial in wgan["trials"])
    assert "too few seeds" in tree["verdict"]


def test_json_says_of_every_pair_how_it_was_tested(quick: Store) -> None:
    found = json.loads(render("quick", quick.uri, "json"))["pairs"]
    assert len(found) == 6
    assert set(found[0]) == {
        "a", "b", "measure", "n_a", "n_b", "finished_a", "finished_b", "test", "ratio", "effect",
        "low", "high", "level", "p", "p_holm", "probability", "verdict", "needed",
    }  # fmt: skip
    by_test = {pair["test"]: pair for pair in found}
    assert by_test["welch"]["low"] < by_test["welch"]["effect"] < by_test["welch"]["high"]
    untested = by_test[None]
    assert (untested["n_a"], untested["finished_a"], untested["verdict"]) == (3, 2, "too few seeds")
    assert (untested["p"], untested["low"], untested["needed"]) == (None, None, 5)


def test_without_a_floor_nothing_is_divided_by_it(store: Store) -> None:
    sweep = store.sweep("quick")
    for variant, seed in itertools.product(("wgan", "mlp_bce"), range(3)):
        sweep.trial(variant, seed)
    sweep.client.set_experiment_tag(sweep.experiment_id, "ganbench.floor", "{}")
    texts = [render("quick", store.uri, form) for form in get_args(report.Format)]
    assert not any("FID/floor" in text or "real data (floor)" in text for text in texts)
    assert not any("what real data gets" in text for text in texts)
    assert "wgan has the lowest mean FID" in texts[0]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_table_compiles_as_it_is(quick: Store, tmp_path: Path) -> None:
    (tmp_path / "table.tex").write_text(render("quick", quick.uri, "tex"), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_a_table_of_more_than_a_page_goes_on_on_the_next_one(tmp_path: Path) -> None:
    rows = tuple((Cell(f"v{i}"), Cell("not distinguishable")) for i in range(61))
    text = latex([Grid("pairs", "Pairs", ("A", "B"), rows, ("A note.",))], "")
    assert re.findall(r"\(part (.) of 3\)", text) == ["1", "2", "3"]
    assert text.count("A note.") == 1
    assert all(f"v{i} &" in text for i in range(61))
    (tmp_path / "table.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "too large" not in ran.stdout
    assert "(2 pages" in ran.stdout, "the last part has one row"


def test_latex_sets_special_characters_literally() -> None:
    assert escaped("a_b & 5 % {x} ± ↓") == r"a\_b \& 5 \% \{x\} $\pm$ $\downarrow$"
    assert escaped("\\~^$#") == (r"\textbackslash{}\textasciitilde{}\textasciicircum{}\$\#")
    assert escaped("run `a_b --seeds 8` – σ, é") == (
        r"run \texttt{a\_b -{}-{}seeds 8} -- U+03C3, é"
    )


@pytest.mark.parametrize("format", ["md", "tex", "csv", "json"])
def test_no_format_says_nan_or_the_word_that_is_refused(quick: Store, format: str) -> None:
    text = render("quick", quick.uri, format).lower()  # type: ignore[arg-type]
    assert "nan" not in text.replace("nance", "")
    assert "significan" not in text
    assert "inf," not in text


def test_one_seed_has_a_value_and_no_spread(store: Store) -> None:
    sweep = store.sweep("one")
    run_id = sweep.trial("wgan", 0)
    fid = sweep.client.get_run(run_id).data.metrics["final/fid"]
    text = render("one", store.uri, "md")
    row = next(line for line in text.splitlines() if line.startswith("| wgan"))
    assert row.split(" | ")[1:4] == ["1", "0", trimmed(fid)]
    assert "±" not in row
    assert "(n = 1)" in text


def test_a_variant_of_which_nothing_finished_stands_last_with_dashes(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("mlp_bce", 0)
    sweep.trial("wgan", 0, "diverged")
    lines = [
        line for line in render("quick", store.uri, "md").splitlines() if line.startswith("| ")
    ]
    assert lines[2].startswith("| mlp_bce")
    row = next(line for line in lines if line.startswith("| wgan"))
    assert row.split(" | ")[1:5] == ["0", "1", "–", "–"]


def test_a_measure_that_is_not_recorded_everywhere_is_told(store: Store) -> None:
    sweep = store.sweep("quick")
    sweep.trial("wgan", 0)
    run_id = sweep.trial("wgan", 1)
    sweep.client.log_metric(run_id, "final/kid", 0.01)
    text = render("quick", store.uri, "md")
    assert "kid of wgan was not recorded for seed 0." in text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((), "–"), ((3.14159,), "3.142"), ((10.0, 10.0), "10 ± 0"), ((0.0, 0.0), "0 ± 0"),
        ((9.0, 11.0), "10.0 ± 1.4"), ((100.0, 300.0), "200 ± 141"),
        ((1e-3, 3e-3), "0.0020 ± 0.0014"),
    ],
)  # fmt: skip
def test_a_cell_shows_two_digits_of_its_spread(values: tuple[float, ...], text: str) -> None:
    assert Summary(tuple(enumerate(values))).text() == text


def test_single_figures_keep_four_digits() -> None:
    assert [trimmed(x) for x in (0.0, 10.0, 0.00046, 9.93, 12345.6)] == [
        "0", "10", "0.00046", "9.93", "12346"
    ]  # fmt: skip
