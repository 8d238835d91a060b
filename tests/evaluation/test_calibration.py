"""The calibration rows, at full code and small size, and what is kept of them."""

import pytest
import torch

from bench.datasets import mnist
from bench.evaluation import calibration, digits, suite
from bench.evaluation.declarations import EACH, FINAL
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.metrics import memorisation
from bench.evaluation.reference import Reference

Splits = dict[str, mnist.Images]


def test_rows_hold_every_metric_and_are_kept(
    small_evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = small_evaluator.calibration()
    assert [row["row"] for row in rows] == [
        calibration.FLOOR, calibration.HALVES, *digits.SETS,
    ]  # fmt: skip
    for row in rows[2:]:
        measured = {name.partition("/")[0] for name in row}
        usual = {m.name for m in suite.at(EACH, FINAL) if "given labels" not in m.needs}
        assert usual - measured <= {"fid_infinity", "mode_kl"}
        assert "fid_alt" in row
    monkeypatch.setattr(Evaluator, "score", lambda *given: pytest.fail("measured again"))
    assert small_evaluator.calibration() == rows


def test_halves_have_a_spread_and_no_second_reference(small_evaluator: Evaluator) -> None:
    halves = small_evaluator.calibration()[1]
    assert float(halves["fid_sd"]) > 0
    assert halves["missing"]
    assert "fid_heldout" not in halves
    # The two halves share a distribution, and the floor's two sets do too.
    assert float(halves["fid"]) < 0.1 * float(small_evaluator.calibration()[-1]["fid"])


def test_replay_is_seen_by_the_memorisation_hints(small_evaluator: Evaluator) -> None:
    rows = {str(row["row"]): row for row in small_evaluator.calibration()}
    replay, floor = rows["replay of the training set"], rows[calibration.FLOOR]
    assert replay["authpct"] == replay["neighbour_ratio"] == 0.0
    assert float(replay["copying_ct"]) < -5 < float(floor["copying_ct"])


def test_ten_images_cover_next_to_nothing_within_a_digit(small_evaluator: Evaluator) -> None:
    rows = {str(row["row"]): row for row in small_evaluator.calibration()}
    ten = float(rows["ten images repeated"]["digit_coverage_mean"])
    assert ten < 0.5 * float(rows[calibration.FLOOR]["digit_coverage_mean"])


def test_the_sets_are_what_they_are_called(small_mnist: Splits) -> None:
    sets = {name: make() for name, make in digits.SETS.items()}
    assert all(s.shape == (300, 1, 28, 28) and s.dtype == torch.uint8 for s in sets.values())
    assert torch.equal(sets["replay of the training set"], small_mnist["train"].images[:300])
    assert len(torch.unique(sets["ten images repeated"], dim=0)) == 10
    held = small_mnist["heldout"]
    ones = torch.unique(held.images[held.labels == 1], dim=0)
    assert torch.equal(torch.unique(sets["one digit"], dim=0), ones)
    blurred, sharp = sets["blurred test images"].double(), small_mnist["test"].images.double()
    assert blurred.flatten(1).std(1).mean() < 0.9 * sharp.flatten(1).std(1).mean()
    torch.testing.assert_close(blurred.mean(), sharp.mean(), rtol=0.01, atol=0)


def test_derived_distances_are_kept_in_the_store(
    small_evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = memorisation.test_to_train
    first = small_evaluator.reference.derived(distances)["distance"]
    monkeypatch.setattr(Reference, "train", property(lambda self: pytest.fail("computed again")))
    again = Evaluator(small_evaluator.extractor).reference.derived(memorisation.test_to_train)[
        "distance"
    ]
    assert torch.equal(first, again)
