"""The rows that come with the repository are those of the shipped evaluator."""

from pathlib import Path

import pytest

from bench.evaluation import Evaluator, calibration, digits


def test_they_are_this_evaluators(mnist_store: Path) -> None:
    rows = calibration.shipped(Evaluator.load())
    assert rows is not None
    assert [row["row"] for row in rows] == [
        calibration.FLOOR, calibration.HALVES, *digits.SETS
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["ten images repeated", "uniform noise"])
def test_measured_again_they_come_out_the_same(name: str, mnist_store: Path) -> None:
    evaluator = Evaluator.load()
    (row,) = [row for row in calibration.shipped(evaluator) or [] if row["row"] == name]
    for metric, value in evaluator.measure(digits.SETS[name]()).items():
        expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-4, abs=1e-6)
        assert row[metric] == expected


def test_another_ruler_has_none(mnist_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = Evaluator.load()
    monkeypatch.setattr(evaluator, "id", "other-v1-00000000")
    assert calibration.shipped(evaluator) is None
