"""The evaluator as a torchmetrics.Metric: in a foreign loop, in parts, across processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from bench.datasets import mnist
from bench.errors import UserError
from bench.evaluation import Evaluator, digits
from bench.evaluation.extractor import FeatureExtractor


@pytest.fixture
def halves(small_mnist: dict[str, mnist.Images]) -> tuple[Tensor, Tensor]:
    images = small_mnist["train"].images
    return images[:300], images[300:]


def _evaluator(quadrants: FeatureExtractor, final: bool) -> Evaluator:
    return Evaluator(quadrants, {"_alt": lambda: quadrants}, final=final)


def _batches(images: Tensor) -> Iterator[Tensor]:
    yield from images.split(64)


@pytest.mark.parametrize("final", [False, True])
def test_parts_give_the_numbers_of_the_whole(
    halves: tuple[Tensor, Tensor], quadrants: FeatureExtractor, final: bool
) -> None:
    whole, a, b = (_evaluator(quadrants, final) for _ in range(3))
    whole.update(torch.cat(halves))
    for images in _batches(halves[0]):
        a.update(images)
    b.update(halves[1])
    a.merge_state(b)
    expected = whole.compute()
    assert ("kid" in expected, "fid_alt" in expected) == (final, final)
    numbers = a.compute()
    # Its random subsets are dealt by position, and merging changes the order.
    extrapolated = [values.pop("fid_infinity", 0) for values in (numbers, expected)]
    assert numbers == pytest.approx(expected, rel=1e-9)
    assert extrapolated[0] == pytest.approx(extrapolated[1], rel=0.5)


def test_processes_merge_their_states(
    halves: tuple[Tensor, Tensor], quadrants: FeatureExtractor
) -> None:
    parts = [_evaluator(quadrants, True) for _ in halves]
    for part, images in zip(parts, halves, strict=True):
        part.update(images)
    states = [{name: _joined(v) for name, v in part.metric_state.items()} for part in parts]
    for part in parts:
        names = iter(part.metric_state)  # in the order in which torchmetrics gathers them

        def gather(state: Tensor, group: object, names: Iterator[str] = names) -> list[Tensor]:
            name = next(names)
            return [held[name] for held in states]

        part.sync(dist_sync_fn=gather, distributed_available=lambda: True)
    whole = _evaluator(quadrants, True).score(torch.cat(halves), final=True)
    for part in parts:
        values, _ = part._computed_by(part._due)
        assert values.pop("missing") == whole.metrics["missing"]
        assert values["fid"] == pytest.approx(whole.metrics["fid"], rel=1e-9)
        assert values["recall"] == whole.metrics["recall"]
        assert len(part.statistics()) == 700


def _joined(state: Tensor | list[Tensor]) -> Tensor:
    if isinstance(state, Tensor):
        return state.clone()
    return torch.cat(state) if state else torch.tensor([])


def test_the_harness_and_a_loop_get_the_same_bits(
    halves: tuple[Tensor, Tensor], quadrants: FeatureExtractor
) -> None:
    evaluator = _evaluator(quadrants, True)
    evaluator.update(halves[1])
    numbers = evaluator.compute()
    measured = evaluator.measure(halves[1], final=True)
    assert numbers == {k: v for k, v in measured.items() if not isinstance(v, str)}


def test_floats_are_what_networks_return(
    halves: tuple[Tensor, Tensor], quadrants: FeatureExtractor
) -> None:
    a, b = _evaluator(quadrants, False), _evaluator(quadrants, False)
    a.update(halves[0])
    b.update(quadrants.dataset.encode(halves[0]).double())
    assert a.compute() == b.compute()


def test_reset_forgets(halves: tuple[Tensor, Tensor], quadrants: FeatureExtractor) -> None:
    evaluator = _evaluator(quadrants, True)
    evaluator.update(halves[0])
    first = evaluator.compute()
    evaluator.update(halves[1])
    assert evaluator.compute() != first
    evaluator.reset()
    evaluator.update(halves[0])
    assert evaluator.compute() == first


def test_metrics_of_each_evaluation_keep_no_rows(
    halves: tuple[Tensor, Tensor], quadrants: FeatureExtractor
) -> None:
    evaluator = _evaluator(quadrants, False)
    evaluator.update(halves[0])
    assert evaluator.rows == evaluator.logits == []


def test_one_sample_is_no_distribution(quadrants: FeatureExtractor) -> None:
    evaluator = _evaluator(quadrants, False)
    evaluator.update(torch.zeros(1, 1, 28, 28))
    with pytest.raises(UserError, match="at least two"):
        evaluator.compute()


def test_the_loop_of_the_readme_trains_and_measures(
    mnist_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plain torch GAN that knows nothing of the harness, in the README's words; its FID falls."""
    torch.manual_seed(0)
    real = mnist.load("train").images[:4000].flatten(1) / 127.5 - 1
    g = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 784), nn.Tanh())
    d = nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
    g_adam, d_adam = (torch.optim.Adam(net.parameters(), 1e-3, (0.0, 0.99)) for net in (g, d))

    def train_one_epoch(generator: nn.Module) -> None:
        for batch in real.split(50):
            fake = g(torch.randn(50, 64))
            d_adam.zero_grad()
            (softplus(d(fake.detach())).mean() + softplus(-d(batch)).mean()).backward()
            d_adam.step()
            g_adam.zero_grad()
            softplus(-d(fake)).mean().backward()
            g_adam.step()

    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = [
        block.partition("```")[0]
        for block in text.split("```python\n")
        if "Evaluator.load" in block.partition("```")[0]
    ]
    generator = nn.Sequential(g, nn.Unflatten(1, (1, 28, 28)))
    exec(example, {"generator": generator, "train_one_epoch": train_one_epoch})
    fids = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()]
    assert len(fids) == 3
    assert fids[-1] < fids[0]


def test_the_evaluator_of_a_data_set_is_found_by_its_name(mnist_store: Path) -> None:
    evaluator = Evaluator.load("mnist", final=True)
    assert (evaluator.id, evaluator.final) == (digits.evaluator().id, True)
    with pytest.raises(UserError, match="did you mean 'mnist'"):
        Evaluator.load("mnits")
