"""The shipped evaluator on MNIST: floors, order of the calibration sets, monotone damage."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench import datasets
from bench import evaluation as room
from bench.datasets import mnist, pixels
from bench.errors import UserError
from bench.evaluation import digits, identity
from bench.evaluation.calibration import disjoint_sets, mean_of_each
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.extractor import FeatureExtractor

pytestmark = pytest.mark.usefixtures("mnist_store")


@pytest.fixture(scope="module")
def evaluator(mnist_store: Path) -> Evaluator:
    return Evaluator.load()


@pytest.fixture(scope="module")
def test_images(mnist_store: Path) -> Tensor:
    return mnist.load("test").images


def test_the_room_exports_the_evaluator() -> None:
    assert room.Evaluator is Evaluator
    with pytest.raises(AttributeError, match="no attribute 'Rule'"):
        room.Rule  # noqa: B018


def test_names(evaluator: Evaluator) -> None:
    assert evaluator.id == identity.DIGITS.id
    assert evaluator.measure_name == identity.measure_name()


def test_the_classifier_reads_the_reference_well(evaluator: Evaluator) -> None:
    labels = mnist.load("test").labels
    assert (evaluator.reference.test.labels == labels).double().mean() >= 0.995


def test_test_images_against_themselves(evaluator: Evaluator, test_images: Tensor) -> None:
    values = evaluator.measure(test_images)
    assert float(values["fid"]) < 1e-6
    assert values["mode_kl"] == 0.0
    assert (values["modes"], values["modes_any"], values["missing"]) == (10, 10, "none")
    assert list(values) == sorted(values)


def test_the_floor_is_what_held_out_images_get(evaluator: Evaluator) -> None:
    floor, held = evaluator.floor(), evaluator.measure(mnist.load("heldout").images)
    assert float(held["fid_heldout"]) < 1e-6 < float(held["fid"]) < 0.5
    assert floor == {**held, "fid_heldout": held["fid"]}
    assert float(floor["mode_kl"]) < 2e-3


@pytest.mark.parametrize(("n", "fid"), [(10_000, 0.121234), (1000, 0.312888)])
def test_the_floor_belongs_to_its_n(n: int, fid: float, evaluator: Evaluator) -> None:
    floor = evaluator.floor(n)
    assert floor["fid"] == floor["fid_heldout"] == pytest.approx(fid, rel=1e-4)


def test_the_floor_is_the_mean_over_disjoint_sets(small_evaluator: Evaluator) -> None:
    sets = disjoint_sets(100, small_evaluator.extractor.dataset.split("heldout"))
    floor = small_evaluator.floor(100, final=True)
    values = [small_evaluator.measure(s.values, final=True, labels=s.labels) for s in sets]
    assert len(sets) == 3
    for name in ("fid", "coverage", "fid_alt", "digit_share/3", "label_accuracy", "cas"):
        assert floor[name] == pytest.approx(sum(float(v[name]) for v in values) / 3)
    assert floor["fid"] != values[0]["fid"]


def test_what_needs_more_samples_has_no_floor(small_evaluator: Evaluator) -> None:
    assert "fid_infinity" not in small_evaluator.floor(100, final=True)
    floor = small_evaluator.floor(3, final=True)
    assert {"fid", "kid"} <= floor.keys()
    assert not {"coverage", "copying_ct"} & floor.keys()


def test_above_the_number_of_held_out_images_there_is_no_floor(small_evaluator: Evaluator) -> None:
    assert small_evaluator.floor(300)
    assert small_evaluator.floor(301) == {}


def test_disjoint_sets_share_no_image(mnist_store: Path) -> None:
    held = datasets.get("mnist").split("heldout")
    sets = disjoint_sets(3000, held)
    assert [len(part) for part in sets] == [3000] * 3
    assert len(torch.unique(torch.cat([part.values for part in sets]), dim=0)) == 9000
    assert torch.equal(disjoint_sets(10_000, held)[0].values, held.values)
    assert len(disjoint_sets(100, held)) == 20


def test_the_floor_is_kept(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = evaluator.floor()
    monkeypatch.setattr(Evaluator, "score", lambda *given, **named: pytest.fail("measured again"))
    assert Evaluator.load().floor() == floor
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        Evaluator.load().floor(5)


@pytest.fixture(scope="module")
def rows(evaluator: Evaluator) -> dict[str, dict[str, object]]:
    measured = {name: evaluator.measure(make()) for name, make in digits.SETS.items()}
    return {"floor": evaluator.floor(), **measured}


def test_calibration_sets_come_out_in_order(rows: dict[str, dict[str, float]]) -> None:
    order = (
        "replay of the training set", "digits 0-8 only", "ten images repeated", "one digit",
        "uniform noise",
    )  # fmt: skip
    values = [rows[name]["fid"] for name in order]
    assert values == sorted(values)
    assert (
        rows["floor"]["fid"] < rows["digits 0-8 only"]["fid"] < rows["blurred test images"]["fid"]
    )
    assert max(row["fid"] for row in rows.values()) == rows["uniform noise"]["fid"]


def test_calibration_sets_show_their_modes(rows: dict[str, dict[str, object]]) -> None:
    assert rows["one digit"]["modes"] == 1
    assert rows["digits 0-8 only"]["modes"] == 9
    assert rows["digits 0-8 only"]["missing"] == "9"
    assert rows["replay of the training set"]["modes"] == 10
    assert rows["one digit"]["missing"] == "0 2 3 4 5 6 7 8 9"


def _noisy(images: Tensor, level: int) -> Tensor:
    stream = torch.Generator().manual_seed(0)
    noise = 0.15 * level * torch.randn(images.shape, generator=stream)
    return pixels.to_grid(pixels.to_float(images) + noise)


def _shifted(images: Tensor, level: int) -> Tensor:
    return torch.roll(images, 2 * level, dims=3)


def _cropped(images: Tensor, level: int) -> Tensor:
    images = images.clone()
    images[:, :, : 5 * level] = 0
    return images


def _dropped(images: Tensor, level: int) -> Tensor:
    return images[mnist.load("heldout").labels[: len(images)] < 10 - 2 * level]


@pytest.mark.parametrize("damage", [_noisy, _shifted, _cropped, _dropped])
def test_fid_grows_with_damage(
    damage: Callable[[Tensor, int], Tensor], evaluator: Evaluator
) -> None:
    images = mnist.load("heldout").images[:1000]
    values = [float(evaluator.measure(damage(images, level))["fid"]) for level in range(4)]
    assert values == sorted(values)
    assert values[1] > 1.05 * values[0]


def test_a_mean_is_over_the_draws_that_define_the_metric() -> None:
    draws = [{"fid": 1.0, "modes": 10, "missing": "4"}, {"fid": 2.0, "modes": 10, "missing": "3"}]
    mean = mean_of_each([*draws, {"kid": 0.5, "missing": "4"}])
    assert mean == {"fid": 1.5, "modes": 10, "missing": "3; 4", "kid": 0.5}


def test_another_n_has_another_name(evaluator: Evaluator, test_images: Tensor) -> None:
    measured = evaluator.score(test_images[:500])
    assert measured.n == 500
    assert measured.measure == f"{identity.DIGITS.id}/penultimate/n500/test"
    assert measured.omitted == {}
    assert measured.metrics == evaluator.measure(test_images[:500])


@pytest.mark.parametrize(
    ("images", "why"),
    [
        (
            torch.zeros(9, 1, 28, 28).long(),
            r"samples of shape \(N, 1, 28, 28\), as torch.u",
        ),
        (torch.zeros(9, 28, 28, dtype=torch.uint8), r"not torch.uint8 of \(9, 28, 28\)"),
        (torch.full((9, 1, 28, 28), torch.nan), "Some samples hold NaN or infinite values"),
        (torch.zeros(1, 1, 28, 28, dtype=torch.uint8), "There are 1 samples"),
    ],
)
def test_what_is_no_set_of_images(images: Tensor, why: str, evaluator: Evaluator) -> None:
    with pytest.raises(UserError, match=why):
        evaluator.measure(images)


def test_a_users_extractor_measures_without_a_second_one(
    small_mnist: dict[str, mnist.Images], tmp_path: Path
) -> None:
    (tmp_path / "mean.py").write_text(
        "from torch import nn\n"
        "def extractor():\n    return nn.Sequential(nn.AvgPool2d(7), nn.Flatten())\n"
    )
    own = Evaluator.from_file(tmp_path / "mean.py")
    measured = own.score(small_mnist["train"].images, final=True)
    assert measured.measure == f"{own.id}/penultimate/n700/test"
    assert measured.metrics["neighbour_ratio"] == 0.0
    assert not any(name.endswith("_alt") for name in measured.metrics)
    assert "needs a classifier" in measured.omitted["modes"]


def test_a_further_network_adds_columns_of_its_own(
    small_mnist: dict[str, mnist.Images], evaluator: Evaluator
) -> None:
    net = torch.nn.Sequential(torch.nn.AvgPool2d(7), torch.nn.Flatten())
    third = Evaluator(evaluator.extractor, {"_inception": lambda: FeatureExtractor("tiny-0", net)})
    images = small_mnist["heldout"].images
    at_each, at_end = third.measure(images), third.score(images, final=True)
    assert "fid_inception" not in at_each
    assert {"fid_inception", "fid_heldout_inception"} <= at_end.metrics.keys()
    assert "needs a classifier" in at_end.omitted["modes_inception"]
    assert at_end.metrics["fid"] == at_each["fid"]


def test_inception_joins_where_its_weights_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_mnist: dict[str, mnist.Images]
) -> None:
    monkeypatch.setenv("GANBENCH_INCEPTION", str(tmp_path / "none.pth"))
    with pytest.raises(UserError, match=r"no Inception weights at .*none\.pth"):
        Evaluator.load().measure(small_mnist["test"].images, final=True)
