"""Samples and the labels that they were drawn for."""

import math
from pathlib import Path

import pytest
import torch

from bench.datasets import mnist
from bench.evaluation import Evaluator, suite
from bench.evaluation.declarations import METRICS
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

NAMES = ["label_accuracy", "fid_within", "fid_within_worst"]


def statistics(shift: tuple[float, ...] = (0.0, 0.0)) -> FeatureStatistics:
    """Three dimensions, two classes 10 apart, which the classifier tells by the first one."""
    rows = torch.randn(400, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(400) % 2
    rows[:, 0] += 10.0 * labels
    rows[:, 1] += torch.tensor(shift, dtype=torch.float64)[labels]
    logits = torch.stack([5 - rows[:, 0], rows[:, 0] - 5], 1)
    return FeatureStatistics.of(rows, logits)


def computed(samples: FeatureStatistics) -> tuple[suite.Values, dict[str, str]]:
    reference = Reference(lambda split: statistics())
    return suite.compute(samples, reference, suite.named(NAMES))


def test_samples_that_fit_their_labels() -> None:
    samples = statistics()
    samples.given = torch.arange(400) % 2
    values, omitted = computed(samples)
    assert values == {
        "label_accuracy": 1.0,
        "fid_within": pytest.approx(0, abs=1e-9),
        "fid_within_worst": pytest.approx(0, abs=1e-9),
    }
    assert not omitted


def test_the_mean_and_the_worst_of_the_classes() -> None:
    """A class whose features are moved by s has a distance of s²."""
    samples = statistics(shift=(1.0, 3.0))
    samples.given = torch.arange(400) % 2
    values, _ = computed(samples)
    assert values["fid_within"] == pytest.approx((1 + 9) / 2)
    assert values["fid_within_worst"] == pytest.approx(9)


def test_good_samples_of_the_wrong_label_are_seen() -> None:
    samples = statistics()
    samples.given = torch.where(
        torch.arange(400) < 100, 1 - torch.arange(400) % 2, torch.arange(400) % 2
    )
    values, _ = computed(samples)
    assert values["label_accuracy"] == 0.75
    assert values["fid_within"] > 1


def test_samples_without_labels_and_a_class_without_samples() -> None:
    values, omitted = computed(statistics())
    assert values == {}
    assert set(omitted.values()) == {"needs the labels that the samples were drawn for"}
    samples = statistics()
    samples.given = torch.zeros(400, dtype=torch.int64)
    values, omitted = computed(samples)
    assert set(omitted) == {"fid_within", "fid_within_worst"}
    assert math.isclose(float(values["label_accuracy"]), 0.5)


def cas(images: torch.Tensor, labels: torch.Tensor) -> float:
    evaluator, chosen = Evaluator.load(), suite.named(["cas"])
    values = evaluator.score(images, final=True, with_noise=False, metrics=chosen, labels=labels)
    return values.numbers["cas"]


def test_a_classifier_of_real_digits_knows_the_test_images(mnist_store: Path) -> None:
    real = mnist.load("heldout")
    score = cas(real.images, real.labels)
    assert score == pytest.approx(0.939, abs=0.01)
    assert cas(real.images, real.labels) == score


def test_the_trials_own_stream_is_not_touched(mnist_store: Path) -> None:
    evaluator, real = Evaluator.load(), mnist.load("heldout")  # which draws initial weights
    statistics = evaluator.extractor.dataset.split("heldout")
    evaluator.final = True
    evaluator.update(statistics.values[:500], real.labels[:500])
    before = torch.get_rng_state()
    assert METRICS.get("cas").compute(evaluator.statistics(), evaluator.reference)  # type: ignore[misc]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_classifier_of_wrong_labels_one_class_or_noise_knows_nothing(mnist_store: Path) -> None:
    real = mnist.load("heldout")
    assert cas(real.images[:2000], (real.labels[:2000] + 1) % 10) < 0.05
    ones = real.labels == 1
    share = (mnist.load("test").labels == 1).double().mean()
    assert cas(real.images[ones], real.labels[ones]) == pytest.approx(float(share))
    noise = torch.randint(256, real.images[:2000].shape).byte()
    assert cas(noise, real.labels[:2000]) < 0.3
