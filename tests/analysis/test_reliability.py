"""The two spreads of a number, the second classifier's order, and sets of known quality."""

from types import SimpleNamespace
from typing import Any

import pytest

from bench.analysis import narrative
from bench.analysis.records import ROW, Records, frame
from bench.analysis.reliability import calibration, uncertainty
from bench.analysis.summary import Row


def trial(row: str, seed: int, **values: float) -> dict[str, Any]:
    """``final_fid=1.0`` is its column ``final/fid``."""
    about = {"run_id": f"{row}{seed}", "variant": row, "seed": seed, "status": "done", ROW: row}
    return about | {name.replace("_", "/", 1): value for name, value in values.items()}


def records(*trials: dict[str, Any]) -> Records:
    return type("Held", (), {"trials": frame(trials)})()  # type: ignore[no-any-return]


def test_draws_are_pooled_and_set_against_the_seeds() -> None:
    found = uncertainty(
        records(
            trial("wgan", 0, final_fid=8.0, noise_fid=0.3),
            trial("wgan", 1, final_fid=12.0, noise_fid=0.4),
        )
    )
    assert found is not None
    ((_, _, fid, interval, seeds, draws, share),) = found.rows
    assert fid.value == pytest.approx(96**0.5)
    assert interval.text == "1 to 129"  # √96 times or over exp(12.7 · log(1.5) / 2)
    assert seeds.value == pytest.approx(8**0.5)
    assert draws.value == pytest.approx((0.125) ** 0.5)
    assert share.value == pytest.approx(0.125 / 8)


def test_one_seed_has_no_spread_over_seeds() -> None:
    found = uncertainty(records(trial("wgan", 0, final_fid=8.0, noise_fid=0.3)))
    assert found is not None
    assert [cell.text for cell in found.rows[0]] == ["wgan", "1", "8", "–", "–", "0.3", "–"]


def test_a_share_above_the_whole_is_not_told_as_a_number() -> None:
    found = uncertainty(
        records(
            trial("wgan", 0, final_fid=8.0, noise_fid=0.3),
            trial("wgan", 1, final_fid=8.1, noise_fid=0.3),
        )
    )
    assert found is not None
    assert found.rows[0][-1].text == "≥ 100%"


def test_without_draws_there_is_no_table() -> None:
    assert uncertainty(records(trial("wgan", 0, final_fid=8.0))) is None


@pytest.mark.parametrize(
    ("by_the_second", "expected"),
    [(2.0, "same order"), (0.5, "disagree about the order by mean FID of a and b.")],
)
def test_the_second_classifier_on_the_order(by_the_second: float, expected: str) -> None:
    table = [
        Row("a", frame([trial("a", 0, final_fid=1.0, final_fid_alt=1.0)])),
        Row("b", frame([trial("b", 0, final_fid=2.0, final_fid_alt=by_the_second)])),
    ]
    (note,) = narrative.orders(table)
    assert expected in note


def test_what_is_known_of_images_has_words_and_spreads() -> None:
    rows: tuple[dict[str, Any], ...] = (
        {"row": "halves", "fid": 0.0468, "fid_sd": 0.0212, "modes": 10.0, "missing": "none"},
        {"row": "one digit", "fid": 87.78, "modes": 1, "missing": "0 2", "fid_alt": 45.1},
    )
    records: Any = SimpleNamespace(calibration=rows)
    grid = calibration(records)
    assert grid is not None
    assert grid.heads == ("measure", "halves", "one digit")
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["FID ↓", "0.0468 ± 0.0212", "87.78"],
        ["modes ↑", "10", "1"],
        ["missing", "none", "0 2"],
    ]
