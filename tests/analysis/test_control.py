"""An experiment with a control: its table, verdict, numbers and figure are against that row."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from bench.analysis import compare, data, narrative, table, verdicts
from bench.analysis import records as reading
from bench.analysis.figures import control as figures
from bench.analysis.formats import plain
from bench.analysis.records import Records
from bench.analysis.summary import Row
from bench.analysis.verdicts import Pair
from bench.tracking.reading import RecordStore

from .synthetic import FLOOR, VARIANTS, Store
from .test_verdicts import records, row, scattered


def held(given: list[Row], name: str = "control") -> Records:
    return replace(records(given), control=name)


def compared(given: list[Row]) -> dict[str, Pair]:
    return {pair.a: pair for pair in verdicts.pairs(given, "fid", "control")}


def said(given: list[Row]) -> str:
    return narrative.verdict(held(given))


MANY = [row(f"v{i:02}", scattered(10 * 1.1 ** (i - 12), 0.1, i, 6)) for i in range(23)]
CONTROL = row("control", scattered(10, 0.1, 99, 6))


def test_every_other_row_is_compared_with_it_and_nothing_else() -> None:
    pairs = compared([*MANY, CONTROL])
    assert list(pairs) == [f"v{i:02}" for i in range(23)]
    assert {pair.b for pair in pairs.values()} == {"control"}
    assert len(verdicts.pairs([*MANY, CONTROL], "fid")) == 276


def test_the_correction_is_over_the_comparisons_with_it_only() -> None:
    """What 276 comparisons cannot tell, 23 can."""
    given = [*MANY, CONTROL]
    pairs = compared(given)
    least = min(pairs.values(), key=lambda pair: pair.p or 1)
    assert least.p_holm == pytest.approx(23 * (least.p or 1))
    wide = [pair for pair in verdicts.pairs(given, "fid") if "control" in (pair.a, pair.b)]
    assert sum(pair.significant for pair in pairs.values()) > sum(p.significant for p in wide)


def test_a_row_with_few_seeds_limits_itself_only() -> None:
    few = row("few", scattered(2, 0.1, 7, 2))
    with_it, without = compared([*MANY, few, CONTROL]), compared([*MANY, CONTROL])
    assert with_it.pop("few").verdict == "too few seeds"
    assert with_it == without or {n: p.verdict for n, p in with_it.items()} == {
        n: p.verdict for n, p in without.items()
    }


def test_the_verdict_names_who_is_better_worse_and_who_may_be_as_good() -> None:
    text = said([*MANY, CONTROL])
    pairs = compared([*MANY, CONTROL])
    assert "The control is control, with FID" in text
    for kind, words in (("better", "Better than"), ("worse", "Worse than"),
                        ("not distinguishable", "Not distinguishable from")):  # fmt: skip
        match = re.search(rf"{words} the control: ([^.]*)\.", text)
        assert match
        named = set(re.findall(r"v\d\d", match[1]))
        assert named == {name for name, pair in pairs.items() if pair.verdict == kind}


def test_the_verdict_gives_the_sizes_of_few_and_says_who_needs_seeds() -> None:
    given = [row("a", scattered(5, 0.1, 1)), row("b", scattered(9, 0.1, 2, 2)),
             row("control", scattered(9, 0.1, 3))]  # fmt: skip
    text = said(given)
    assert re.search(r"Better than the control: a \(FID 0\.5\d+ times as high, 95 % int", text)
    assert "There are too few seeds to compare b with the control: a verdict needs" in text


def test_the_table_says_better_or_worse_instead_of_letters() -> None:
    grid = table.main(held([*MANY, CONTROL]))
    assert "group" not in grid.heads
    place = grid.heads.index("against control")
    cells = {line[0].text: line[place].text for line in grid.rows}
    pairs = compared([*MANY, CONTROL])
    assert cells.pop("control") == "control"
    for name, text in cells.items():
        assert text == f"{pairs[name].verdict} (× {pairs[name].effect:.2g})"
    lines = plain(table.narrow(held([*MANY, CONTROL]))).splitlines()
    assert max(map(len, lines[2:28])) <= 100
    against = table.control(held([*MANY, CONTROL]))
    assert against is not None
    assert len(against.rows) == 23
    assert "corrected for the 23 comparisons with control that were tested" in against.notes[0]
    assert table.control(records([*MANY, CONTROL])) is None


def test_a_difference_is_given_where_a_ratio_makes_no_sense() -> None:
    given = [row("a", [-0.1, 0.1, 0.0]), row("control", [3.0, 3.1, 2.9])]
    cells = [line[-1].text for line in _against(held(given))]
    assert cells == ["better (-3)", "control"]


def _against(given: Records) -> list[tuple[table.Cell, ...]]:
    grid = table.main(given)
    place = grid.heads.index("against control")
    return [(line[place],) for line in grid.rows]


def test_the_figure_has_a_line_a_variant_and_its_bar_crosses_one_without_a_verdict() -> None:
    given = held([*MANY, CONTROL])
    drawing = figures.control(given, pd.DataFrame(), {})
    assert drawing is not None
    (axes,) = drawing.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    pairs = compared([*MANY, CONTROL])
    assert sorted(names) == sorted(pairs)
    bars = [np.asarray(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    crossing = sum(low < 1 < high for low, high in bars[:-1])
    assert crossing == sum(not pair.significant for pair in pairs.values())
    assert figures.control(records([*MANY, CONTROL]), pd.DataFrame(), {}) is None


def test_it_comes_from_the_experiments_tag_and_reaches_all_files(
    store: Store, tmp_path: object
) -> None:
    sweep = store.sweep("zoo")
    for variant in VARIANTS:
        for seed in range(3):
            sweep.trial(variant, seed)
    MlflowClient(store.uri).set_experiment_tag(sweep.experiment_id, "ganbench.control", "mlp_bce")
    out = store.root / "out"
    compare("zoo", store.uri, out)
    tree = json.loads((out / "table.json").read_text())
    assert tree["control"] == "mlp_bce"
    assert {pair["b"] for pair in tree["against_control"]} == {"mlp_bce"}
    assert len(tree["pairs"]) == 6
    page = (out / "index.html").read_text()
    assert 'id="table-control"' in page
    assert 'id="figure-control"' in page
    assert (out / "control.png").exists()
    assert FLOOR["fid"] == tree["floor"]["fid"]
    assert data.csv(reading.read(RecordStore(store.uri), "zoo"))


def test_a_control_without_a_result_is_noted_and_all_pairs_are_compared(store: Store) -> None:
    sweep = store.sweep("zoo")
    for seed in range(3):
        sweep.trial("wgan", seed)
        sweep.trial("mlp_bce", seed, "failed")
    MlflowClient(store.uri).set_experiment_tag(sweep.experiment_id, "ganbench.control", "mlp_bce")
    given = reading.read(RecordStore(store.uri), "zoo")
    assert given.control == ""
    assert "No row is the control mlp_bce, so there is no comparison with it." in given.notes
