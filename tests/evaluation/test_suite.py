"""The collection: invariances of every metric, and what is left out with which reason."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.errors import UserError
from bench.evaluation import suite
from bench.evaluation.declarations import (
    BETTER,
    EACH,
    FIELDS,
    FINAL,
    METRICS,
    Value,
    listing,
    metric,
)
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics


def _pair(seed: int, n: int = 600) -> tuple[Tensor, Tensor]:
    stream = torch.Generator().manual_seed(seed)
    rows = torch.randn(n, 5, generator=stream, dtype=torch.float64)
    logits = torch.randn(n, 3, generator=stream, dtype=torch.float64) + rows[:, :3]
    return rows, logits


_SPLITS = {
    split: FeatureStatistics.of(*_pair(k)) for k, split in enumerate(("test", "heldout", "train"))
}
OF_POINTS = {"high_quality", "sliced_wasserstein", "plane_frechet"}
USUAL = [name for name in METRICS.names() if not METRICS.get(name).optional]
REFERENCE = Reference(lambda split: _SPLITS[split])


def _all(rows: Tensor, logits: Tensor | None, batch: int = 600) -> dict[str, Value]:
    samples = FeatureStatistics(keep_rows=True)
    for start in range(0, len(rows), batch):
        part = None if logits is None else logits[start : start + batch]
        samples.update(rows[start : start + batch], part)
    return suite.compute(samples, REFERENCE, suite.at(EACH, FINAL))[0]


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1000), st.integers(7, 600))
def test_no_metric_depends_on_the_batching(seed: int, batch: int) -> None:
    rows, logits = _pair(seed + 10)
    _assert_same(_all(rows, logits, batch), _all(rows, logits))


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1000))
def test_no_metric_depends_on_the_order(seed: int) -> None:
    rows, logits = _pair(seed + 10)
    order = torch.randperm(600, generator=torch.Generator().manual_seed(seed))
    shuffled, straight = _all(rows[order], logits[order]), _all(rows, logits)
    # Its random subsets are dealt by position, so only the extrapolation's noise changes.
    a, b = float(shuffled.pop("fid_infinity")), float(straight.pop("fid_infinity"))
    assert a == pytest.approx(b, abs=0.05)
    _assert_same(shuffled, straight)


def _assert_same(ours: dict[str, Value], theirs: dict[str, Value]) -> None:
    assert ours.pop("missing") == theirs.pop("missing")
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def _metrics(values: dict[str, Value]) -> set[str]:
    """Whose the numbers are: ``digit_share/3`` is of ``digit_share``."""
    return {name.partition("/")[0] for name in values}


def _without_labels() -> set[str]:
    """All metrics but those of conditional variants, which are under test in test_labels.py."""
    return {m.name for m in suite.at(EACH, FINAL) if "given labels" not in m.needs}


def test_every_registered_metric_is_measured_and_described() -> None:
    values = _all(*_pair(3))
    assert _metrics(values) == _without_labels()
    rows = listing()
    assert {row["name"] for row in rows} == set(METRICS.names())
    assert all(row[field] for row in rows for field in (*FIELDS, "summary", "when"))
    assert {row["better"] for row in rows} <= set(BETTER)


def test_issue_metrics_are_all_there() -> None:
    wanted = (
        "fid fid_infinity kid inception_score precision recall density coverage modes modes_any "
        "mode_kl missing confidence digit_coverage_lowest digit_coverage_mean digit_coverage "
        "digit_share neighbour_ratio authpct "
        "copying_ct fid_heldout label_accuracy fid_within fid_within_worst cas"
    )
    assert set(USUAL) == set(wanted.split())
    assert set(METRICS.names()) - set(USUAL) == OF_POINTS


def test_digit_by_digit_the_numbers_are_those_of_the_whole() -> None:
    rows, logits = _pair(5)
    values = _all(rows, logits)
    shares = [float(values[f"digit_share/{digit}"]) for digit in range(3)]
    labels = logits.argmax(1)
    assert shares == [float((labels == digit).double().mean()) for digit in range(3)]
    covered = [float(values[f"digit_coverage/{digit}"]) for digit in range(3)]
    assert min(covered) == values["digit_coverage_lowest"]
    assert sum(covered) / 3 == pytest.approx(values["digit_coverage_mean"])
    assert not [name for name in values if "/" in name and name[-1] not in "012"]


@pytest.mark.parametrize("n", [0, 1])
def test_a_distribution_needs_two_samples(n: int) -> None:
    samples = FeatureStatistics()
    if n:
        samples.update(*(part[:n] for part in _pair(5)))
    with pytest.raises(UserError, match=f"There are {n} samples: .* at least two"):
        suite.compute(samples, REFERENCE, suite.at(EACH))


def test_too_few_samples_leave_metrics_out_with_a_reason() -> None:
    rows, logits = _pair(5)
    samples = FeatureStatistics.of(rows[:3], logits[:3])
    values, omitted = suite.compute(samples, REFERENCE, suite.at(EACH, FINAL))
    assert omitted["precision"] == "needs at least 4 samples"
    assert omitted["fid_infinity"] == "needs at least 500 samples"
    assert _metrics(values) | set(omitted) == set(USUAL)


def test_features_alone_leave_the_label_metrics_out() -> None:
    samples = FeatureStatistics.of(_pair(5)[0])
    values, omitted = suite.compute(samples, REFERENCE, suite.at(EACH))
    assert set(values) == {"fid", "fid_heldout"}
    assert "needs a classifier" in omitted["modes"]


def test_a_metric_that_is_not_finite_is_left_out_with_its_value() -> None:
    never = torch.full((600, 3), -5.0, dtype=torch.float64)
    never[:, 0] = 5
    real = Reference(lambda split: FeatureStatistics.of(_pair(0)[0], never))
    samples = FeatureStatistics.of(*_pair(5))
    values, omitted = suite.compute(samples, real, suite.named(["mode_kl", "modes"]))
    assert values == {"modes": 1}
    assert omitted == {"mode_kl": "is inf for these samples"}


@pytest.mark.parametrize("kind", ["collapsed", "dead features"])
def test_degenerate_samples_give_finite_numbers(kind: str) -> None:
    rows, logits = _pair(5)
    if kind == "collapsed":
        rows, logits = rows[:1].expand(600, 5), 200 * logits[:1].sign().expand(600, 3)
    else:
        rows = rows * torch.tensor([1.0, 0, 0, 1, 0])
    assert _metrics(_all(rows, logits)) == _without_labels()


def test_unknown_metric_is_told_with_a_suggestion() -> None:
    with pytest.raises(UserError, match=r"There is no metric 'recal': did you mean 'recall'\?"):
        suite.named(["recal"])


_WHOLE = """How much room the samples take.

Label: volume [nats]
Formula: ln det S,
    S the covariance
Range: -∞ to ∞
Better: higher
Unit: nats
Floor: the test images' own
Source: here
"""


def _volume(samples: FeatureStatistics, reference: Reference) -> float:
    return float(samples.gaussian.covariance.logdet())


@pytest.fixture
def volume(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Register a new metric under a name, with a docstring; forgotten after the test."""
    monkeypatch.setattr(METRICS, "_things", dict(METRICS.loaded))
    monkeypatch.setattr(METRICS, "_by_module", dict(METRICS._by_module))

    def register(name: str, doc: str) -> None:
        monkeypatch.setattr(_volume, "__name__", name)
        monkeypatch.setattr(_volume, "__doc__", doc)
        metric(when=EACH)(_volume)

    return register


def test_a_new_metric_is_measured_and_listed(volume: Callable[[str, str], None]) -> None:
    volume("volume", _WHOLE)
    (row,) = [row for row in listing() if row["name"] == "volume"]
    assert row["formula"] == "ln det S, S the covariance"
    assert isinstance(_all(*_pair(5))["volume"], float)


def test_a_metric_must_state_what_it_is(volume: Callable[[str, str], None]) -> None:
    with pytest.raises(UserError, match="'volume' states no unit, source: add a line"):
        volume("volume", _WHOLE.replace("Unit: nats\n", "").replace("Source: here", "Source:"))
    with pytest.raises(UserError, match="'volume', \"Better:\" is one of lower"):
        volume("volume", _WHOLE.replace("higher", "bigger"))
    with pytest.raises(UserError, match="The metric name 'fid' .* is already taken"):
        volume("fid", _WHOLE)
