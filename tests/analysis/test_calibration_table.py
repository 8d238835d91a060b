"""The calibration rows as the evaluator gives them: numbers, words, means with their sd."""

from types import SimpleNamespace
from typing import Any

from bench.analysis import table


def test_words_and_spreads_have_their_place() -> None:
    rows: tuple[dict[str, Any], ...] = (
        {"row": "halves", "fid": 0.0468, "fid_sd": 0.0212, "modes": 10.0, "missing": "none"},
        {"row": "one digit", "fid": 87.78, "modes": 1, "missing": "0 2", "fid_alt": 45.1},
    )
    records: Any = SimpleNamespace(calibration=rows)
    grid = table.calibration(records)
    assert grid is not None
    assert grid.heads == ("measure", "halves", "one digit")
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["FID ↓", "0.0468 ± 0.0212", "87.78"],
        ["modes ↑", "10", "1"],
        ["missing", "none", "0 2"],
    ]
