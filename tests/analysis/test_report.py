"""Everything that a comparison leaves behind, and that it leaves it whole."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.analysis import compare, data, diagnosis, frames, records, render
from bench.analysis.figures.curves import fid
from bench.analysis.figures.digits import digits, means, missed
from bench.analysis.figures.samples import cells
from bench.analysis.figures.seeds import seeds
from bench.analysis.formats import plain
from bench.analysis.reliability import checkpoints
from bench.analysis.sample_selection import select
from bench.analysis.summary import classes, gaps, rows
from bench.analysis.table import narrow
from bench.tracking.reading import RecordStore

from .conftest import Written
from .synthetic import DIGITS, ENVIRONMENT, STEPS, TOML, Store, grid

NO_CURVES = pd.DataFrame()
FIGURES = ("fid", "seeds", "digits", "tradeoffs", "samples", "paths")


def test_all_files_are_there_and_named(written: Written) -> None:
    names = {"table.md", "table.tex", "table.csv", "table.json", "index.html"}
    names |= {"experiment.toml", "environment.json"}
    names |= {f"{name}.{suffix}" for name in FIGURES for suffix in ("png", "pdf")}
    assert {path.name for path in written.out.iterdir()} == names
    assert set(written.comparison.files) == {written.out / name for name in names}


def test_the_comparison_carries_the_verdict_and_a_narrow_table(
    written: Written, quick: Store
) -> None:
    whole = render("quick", quick.uri, "md")
    assert written.comparison.verdict in whole
    assert written.comparison.table == plain(narrow(records.read(RecordStore(quick.uri), "quick")))
    assert (written.out / "table.md").read_text(encoding="utf-8") == whole


def test_the_experiment_and_its_environment_are_copied(written: Written) -> None:
    assert (written.out / "experiment.toml").read_text() == TOML
    assert json.loads((written.out / "environment.json").read_text()) == ENVIRONMENT


def test_writing_again_changes_no_byte_and_removes_what_is_not_drawn_any_more(
    quick: Store, written: Written, tmp_path: Path
) -> None:
    (tmp_path / "interpolation.png").write_bytes(b"of an older comparison")
    compare("quick", quick.uri, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {p.name for p in written.out.iterdir()}
    for path in written.out.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_shows_something(written: Written, name: str) -> None:
    with Image.open(written.out / f"{name}.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 200
    assert pixels.std() > 5
    assert (written.out / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_the_smallest_experiment_is_compared_too(store: Store, tmp_path: Path) -> None:
    """One variant, one seed: no pairs, no spread; and a name that could break HTML."""
    store.sweep("one").trial("<img src=x>&_%", 0)
    comparison = compare("one", store.uri, tmp_path)
    assert "(n = 1)" in comparison.verdict
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;&amp;_%" in page
    assert (tmp_path / "index.html").exists()
    assert 'value="diverged"' not in page


def test_an_experiment_that_only_diverged_is_compared_too(store: Store, tmp_path: Path) -> None:
    sweep = store.sweep("bad")
    for variant in ("wgan", "mlp_bce"):
        sweep.trial(variant, 0, "diverged")
    assert compare("bad", store.uri, tmp_path).verdict.startswith("No trial of bad finished")
    opened = RecordStore(store.uri)
    found = records.read(opened, "bad")
    (legend,) = fid(found, frames.curves(opened, found), {}).legends
    named = {text.get_text() for text in legend.get_texts()}
    assert {"wgan", "mlp_bce", "diverged here"} <= named
    assert 'value="diverged"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_best_median_and_worst_seed_are_shown_by_fid(quick: Store) -> None:
    store = RecordStore(quick.uri)
    shown = select(store, records.read(store, "quick"))["samples"]
    mine = [one for one in shown if one.row == "mlp_bce"]
    assert [one.places for one in mine] == [("best",), ("median",), ("worst",)]
    fids = [one.fid for one in mine]
    assert fids == sorted(fids)
    assert [list(one.pngs) for one in mine] == [list(STEPS)] * 3
    assert shown[-4].places == ("diverged",)
    assert len(shown[-4].pngs) == 3


def test_cells_are_cut_out_of_the_grid_row_by_row() -> None:
    whole = grid(np.random.default_rng(0), 1.0)
    cut = cells(whole, 9)
    assert cut is not None
    np.testing.assert_array_equal(cut[0], whole[2:30, 2:30])
    np.testing.assert_array_equal(cut[8], whole[32:60, 2:30])
    assert cells(whole, 65) is None
    assert cells(np.zeros((100, 100), np.uint8), 1) is None


def test_the_seeds_figure_says_n_and_the_groups(quick: Store) -> None:
    found = records.read(RecordStore(quick.uri), "quick")
    left = seeds(found, NO_CURVES, {}).axes[0]
    assert [label.get_text() for label in left.get_yticklabels()] == [
        "spectral_norm (n = 3) [a]", "batchnorm_dropout (n = 3) [b]", "wgan (n = 2) [abc]",
        "mlp_bce (n = 3) [c]",
    ]  # fmt: skip


def test_missed_digits_are_counted_over_seeds(quick: Store) -> None:
    found = records.read(RecordStore(quick.uri), "quick")
    assert classes(found) == list("0123456789")
    assert missed(found).loc["mlp_bce"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_shares_and_coverage_digit_by_digit_end_with_the_real_images(quick: Store) -> None:
    found = records.read(RecordStore(quick.uri), "quick")
    shares, covered = means(found, "digit_share"), means(found, "digit_coverage")
    assert list(shares.index)[-2:] == list(covered.index)[-2:] == ["mlp_bce", "real data"]
    assert shares.loc["mlp_bce"].tolist() == pytest.approx([0.0625, 0.5, *[0.0625] * 7, 0.0])
    assert covered.loc["mlp_bce"].tolist()[8:] == pytest.approx([0.96, 0.0])
    assert shares.loc["real data"].tolist() == pytest.approx([0.1] * 10)


def test_records_from_before_the_digits_were_measured_show_what_there_is(store: Store) -> None:
    """And one sentence tells the gap, not one for each digit."""
    sweep = store.sweep("quick")
    for seed in range(2):
        sweep.trial("wgan", seed)
    found = records.read(RecordStore(store.uri), "quick")
    whole = digits(found, NO_CURVES, {})
    columns = [f"final/{name}" for name in DIGITS]
    less = found.trials.copy()
    less.loc[less.index[0], columns] = np.nan
    assert list(gaps(rows(replace(found, trials=less)))) == [
        f"digit_{what} of wgan was not recorded for seed 0." for what in ("coverage", "share")
    ]
    less[columns] = np.nan
    part = digits(replace(found, trials=less), NO_CURVES, {})
    assert whole is not None
    assert part is not None
    assert (len(whole.axes), len(part.axes)) == (3, 1)


def test_pictures_that_trials_logged_are_drawn_and_shown(store: Store, tmp_path: Path) -> None:
    sweep = store.sweep("quick")
    picture = np.arange(60 * 90, dtype=np.uint8).reshape(60, 90)
    for seed in range(3):
        run_id = sweep.trial("wgan", seed)
        for key in ("neighbours", "interpolation"):
            sweep.client.log_image(run_id, picture, key=key, step=STEPS[-1])
    compare("quick", store.uri, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for key in ("neighbours", "interpolation"):
        assert (tmp_path / f"{key}.png").stat().st_size > 5000
        assert f'id="figure-{key}"' in page


def test_choosing_on_the_reference_is_never_worse_and_its_optimism_is_told(quick: Store) -> None:
    store = RecordStore(quick.uri)
    found = records.read(store, "quick")
    table = checkpoints(found, frames.curves(store, found))
    assert table is not None
    flattered, late = set(), set()
    for row in table.rows:
        last, heldout, reference, selection_bias = (cell.value or 0.0 for cell in row[2:])
        assert 0 < reference <= min(last, heldout)
        assert selection_bias == pytest.approx(heldout - reference)
        flattered |= {row[0].text} if selection_bias > 0 else set()
        late |= {row[0].text} if last > heldout else set()
    assert (flattered, late) == ({"batchnorm_dropout"}, {"mlp_bce"})
    curves = frames.curves(store, found)
    tree = data.json_tree(found, curves, diagnosis.diagnose(found, curves))
    told = {one["variant"]: one["selection_bias"]["mean"] for one in tree["checkpoints"]}
    assert {variant for variant, selection_bias in told.items() if selection_bias > 0} == flattered
