"""The opening of the page: its axis, its strips of samples, and how a variant stands."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.analysis import records, verdicts
from bench.analysis.glance import Axis, _standing, _strip, glance
from bench.analysis.sample_selection import SampleGrids, pixels, select
from bench.analysis.summary import rows
from bench.tracking.reading import RecordStore

from .synthetic import Store


def _grids(picture: np.ndarray) -> SampleGrids:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return SampleGrids("id", "a", 0, "done", 1.0, ("median",), {0: b"", 5: file.getvalue()})


def test_equal_ratios_are_equally_far_and_everything_is_inside() -> None:
    axis = Axis([0.1, 1, 10, 100])
    places = [axis.place(value) for value in (0.1, 1, 10, 100)]
    assert np.diff(places) == pytest.approx(places[2] - places[1], abs=0.02)
    assert 0 < places[0] < places[-1] < 100
    assert axis.place(0) == 0
    assert axis.place(1e9) == 100
    assert [label for label, _ in axis.ticks] == ["0.1", "1", "10", "100"]
    assert [label for label, _ in Axis([4, 30]).ticks] == ["5", "10", "20"]


def test_an_axis_of_one_value_or_of_none() -> None:
    assert Axis([3.0]).place(3.0) == 50
    assert Axis([]).ticks


def test_a_strip_is_the_first_line_of_cells() -> None:
    """10 × 10 pixels a cell, of which 2 are the gap to the next."""
    picture = np.zeros((82, 82), np.uint8)
    for place in range(8):
        picture[2:10, 2 + 10 * place : 10 + 10 * place] = place + 1
    picture[12:] = 99
    strip = pixels(_strip(_grids(picture)))
    assert strip.shape == (8, 64)
    assert strip[0, ::8].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_picture_that_is_no_grid_stays_whole() -> None:
    grids = _grids(np.zeros((83, 83), np.uint8))
    assert _strip(grids) == grids.pngs[5]


def test_lines_hold_what_the_table_says(quick: Store) -> None:
    store = RecordStore(quick.uri)
    trials = records.read(store, "quick")
    lines, axis = glance(trials, select(store, trials)["samples"])
    assert [line.row.name for line in lines] == [row.name for row in rows(trials)]
    for line in lines:
        assert line.picture
        assert line.centre is not None
        assert line.interval is not None
        low, high = line.interval
        assert low < line.centre < high
        assert line.label.startswith("FID ")
        assert all(0 < axis.place(fid) < 100 for _, fid in line.seeds)
    assert glance(trials, [])[0][0].picture is None


def test_how_a_variant_stands_to_the_others(quick: Store) -> None:
    trials = records.read(RecordStore(quick.uri), "quick")
    pair = verdicts.pairs(rows(trials), "fid")[0]
    pairs = [
        replace(pair, a="x", b="y", verdict="better"),
        replace(pair, a="x", b="z", verdict="not distinguishable"),
        replace(pair, a="y", b="z", verdict="too few seeds"),
    ]
    assert _standing("x", pairs, "") == "better than y; not distinguishable from z"
    assert _standing("y", pairs, "") == "worse than x; too few seeds to compare with z"
    assert _standing("x", pairs, "x") == "the control"
    many = [replace(pair, a="x", b=name, verdict="better") for name in "abcde"]
    assert _standing("x", many, "") == "better than all 5 others"
    assert _standing("x", [*many, pairs[1]], "").startswith("better than 5 of 6 others; not")
