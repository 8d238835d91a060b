"""The rules on a set of samples: each is true of the known sets that it is about only."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bench.datasets import mnist
from bench.evaluation import calibration, digits, judgement
from bench.evaluation.judgement import SampleSet

RULES = (
    judgement.noise, judgement.collapse, judgement.repeats, judgement.blur,
    judgement.low_confidence, judgement.copies,
)  # fmt: skip
ROWS: dict[str, dict[str, Any]] = {
    row["row"]: row for row in json.loads(calibration.SHIPPED.read_text(encoding="utf-8"))["rows"]
}
MET = {
    "replay of the training set": {"copies"},
    "digits 0-8 only": {"collapse"},
    "blurred test images": {"blur"},
    "ten images repeated": {"repeats"},
    "one digit": {"collapse"},
    "uniform noise": {"noise", "collapse"},
    calibration.FLOOR: set[str](),
}


def _set(row: str) -> SampleSet:
    metrics = ROWS[row]
    numbers = {name: value for name, value in metrics.items() if not isinstance(value, str)}
    texts = {name: value for name, value in metrics.items() if isinstance(value, str)}
    detail = 1.0
    if row in digits.SETS:
        detail = judgement.detail(digits.SETS[row]())
        detail /= judgement.detail(mnist.load("test").images)
    return SampleSet(numbers, texts, ROWS[calibration.FLOOR], 10, detail)


@pytest.mark.parametrize("row", MET)
def test_known_sets_meet_their_rules(row: str, mnist_store: object) -> None:
    seen = _set(row)
    assert {rule.__name__ for rule in RULES if rule(seen)} == MET[row]


def test_the_sentences_name_what_was_seen() -> None:
    numbers = {"modes": 3.0, "digit_share/7": 0.7, "digit_share/1": 0.2, "digit_share/3": 0.1}
    seen = SampleSet(numbers, {"missing": "0 2 4 5 6 8 9"}, {"modes": 10}, 10, 1.0)
    assert judgement.collapse(seen) == (
        "Collapsed onto few classes: 3 of 10 are drawn. Most often drawn: 7 (70%), 1 (20%), "
        "3 (10%). Missing: 0, 2, 4, 5, 6, 8, 9."
    )
    assert judgement.collapse(replace(seen, numbers={**numbers, "modes": 6.0})).startswith(
        "Classes are missing: 6 of 10 are drawn."
    )


@pytest.mark.parametrize(
    ("rule", "name", "met", "unmet"),
    [
        (judgement.repeats, "recall", 0.079, 0.081),
        (judgement.low_confidence, "confidence", 0.89, 0.91),
        (judgement.copies, "authpct", 39, 41),
    ],
)
def test_the_thresholds_are_those_of_the_docstrings(
    rule: Any, name: str, met: float, unmet: float
) -> None:
    floor = {"recall": 0.8, "confidence": 1.0, "authpct": 60.0, "modes": 10}
    for value in (met, unmet):
        seen = SampleSet({"modes": 10, name: value}, {}, floor, 10, 1.0)
        assert bool(rule(seen)) == (value == met)


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_speaks_of_what_is_not_known(rule: Any) -> None:
    assert rule(SampleSet({}, {}, {}, 0, None)) == ""
