"""The steps of a GPU: what is captured, that replaying it is doing it, and trials side by side.

A processor rehearses the GPU's part: captured work is done there when it is replayed, with all that
Python knew when it was captured. Marked ``gpu``, the same tests run on a real one.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import datasets
from bench.datasets import Samples
from bench.datasets.order import Order
from bench.errors import UserError
from bench.executors.builtin.streams import Streams
from bench.nn import Wasserstein
from bench.training import checkpoint, cuda, runtime, trial
from bench.training.graph_step import CUDAGraphStep
from bench.training.loader import DeviceDataLoader
from bench.training.step import Scalars
from bench.trials import Trial
from bench.trials import experiment as experiments
from bench.variants import GAN, registry

from .conftest import After, MakeTrial
from .test_trial import VARIANTS, assert_resumes_to, reset, whole

CUDA = "device=cuda"
CONVOLUTIONS = '''"""A GAN of convolutions (Radford et al. 2015), small."""

from torch import Tensor, nn

from bench.variants import register
from bench.variants.mlp_bce import MLPBCE


@register("convolutions")
class Convolutions(MLPBCE):
    """Strided convolutions with batch norm (Radford et al. 2015)."""

    def generator(self) -> nn.Module:
        return nn.Sequential(
            nn.Unflatten(1, (self.latent, 1, 1)),
            nn.ConvTranspose2d(self.latent, 16, 7), nn.BatchNorm2d(16), nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh(),
        )

    def discriminator(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Dropout(0.3),
            nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(784, 1),
        )
'''


class Rehearsal:
    """A stream on the processor."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.captured = self.replayed = self.synchronized = 0

    @contextlib.contextmanager
    def turn(self, seed: int) -> Iterator[None]:
        torch.default_generator.manual_seed(seed)
        yield

    def capture(self, work: Callable[[], Scalars], weights: Any) -> Any:
        self.captured += 1
        return Rehearsed(work, self)

    def synchronize(self) -> None:
        self.synchronized += 1


class Rehearsed:
    def __init__(self, work: Callable[[], Scalars], stream: Rehearsal) -> None:
        self._work, self._stream = work, stream

    def replay(self) -> Scalars:
        self._stream.replayed += 1
        return self._work()

    def restore_gradients(self) -> None:
        """They are where they always are."""


class Uncapturable(Rehearsal):
    def capture(self, work: Callable[[], Scalars], weights: Any) -> Any:
        raise RuntimeError("operation not permitted\nwhen stream is capturing")


class OneByOne(cuda.Stream):
    def capture(self, work: Callable[[], Scalars], weights: Any) -> Any:
        raise RuntimeError("nothing is captured here")


gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
STREAMS = [pytest.param(Rehearsal, Uncapturable), pytest.param(cuda.Stream, OneByOne, marks=gpu)]
"""One that captures, and one that does not."""


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugin") / "convolutions.py"
    path.write_text(CONVOLUTIONS)
    registry.load_plugin(path)
    return path


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """``device=cuda`` is the processor's rehearsal of it."""
    monkeypatch.setattr(cuda, "Stream", Rehearsal)
    monkeypatch.setattr(runtime, "require", lambda precision, device="cpu": None)


@pytest.fixture(params=["rehearsed", pytest.param("real", marks=gpu)])
def device(request: pytest.FixtureRequest) -> None:
    if request.param == "rehearsed":
        request.getfixturevalue("rehearsed")


def trial_of(variant: str, *overrides: str) -> Trial:
    chosen = experiments.load("quick", overrides)
    (planned,) = experiments.select(chosen, [variant], "1").trials()
    return planned


def stepped(
    variant: str, stream: Any, steps: int, said: list[str]
) -> tuple[CUDAGraphStep, list[Scalars]]:
    made = CUDAGraphStep(
        trial_of(variant), datasets.get("mnist").split("train"), stream, said.append
    )
    reported = [made(index) for index in range(steps)]
    made.synchronize()
    return made, reported


def weights(made: CUDAGraphStep) -> dict[str, Tensor]:
    networks = made.algorithm.networks().items()
    return {f"{n}.{k}": v for n, network in networks for k, v in network.state_dict().items()}


@pytest.mark.parametrize(("stream", "without"), STREAMS)
@pytest.mark.parametrize("variant", [*VARIANTS, "convolutions"])
def test_replayed_steps_are_the_steps(
    variant: str, stream: Any, without: Any, convolutions: Path, mnist_folder: object
) -> None:
    """Bit for bit, over the warm-up, each phase's capture and a turn of n_critic more."""
    said: list[str] = []
    replayed, reported = stepped(variant, stream(), 17, said)
    assert said == []
    other, expected = stepped(variant, without(), 17, said)
    assert weights(replayed).keys() == weights(other).keys()
    for name, weight in weights(replayed).items():
        assert torch.equal(weight, weights(other)[name]), name
    for now, then in zip(reported, expected, strict=True):
        assert {n: v.item() for n, v in now.items()} == {n: v.item() for n, v in then.items()}


@pytest.mark.parametrize(("variant", "phases"), [("mlp_bce", 1), ("wgan", 5)])
def test_each_phase_is_captured_once(variant: str, phases: int, mnist_folder: object) -> None:
    stream = Rehearsal()
    _, reported = stepped(variant, stream, 20, [])
    assert stream.captured == phases
    assert stream.replayed == 20 - max(3, phases)
    moved = ["loss_g" in scalars for scalars in reported]
    assert moved == ([False] * (phases - 1) + [True]) * (20 // phases)


def test_what_cannot_be_captured_is_said_once(mnist_folder: object) -> None:
    said: list[str] = []
    stepped("mlp_bce", Uncapturable(), 10, said)
    (line,) = said
    assert line.startswith(
        "mlp_bce seed 0: its steps are launched one by one, not captured as a CUDA graph:"
    )
    assert "operation not permitted when stream is capturing" in line


@pytest.mark.parametrize("name", ["step", "d_step", "g_step"])
def test_a_step_of_ones_own_is_not_captured(
    name: str, mnist_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of what it does with the step's number."""
    once, said, stream = getattr(GAN, name), list[str](), Rehearsal()
    ours = lambda *given: once(*given)  # noqa: E731
    monkeypatch.setattr(registry.get("mlp_bce"), name, ours, raising=False)
    stepped("mlp_bce", stream, 6, said)
    assert stream.captured == 0
    assert "Algorithm.cycle" in said[0]


class Item:
    """A loss that goes by the value of a loss."""

    def __call__(self, gan: Any, fake: Tensor) -> Tensor:
        loss = Wasserstein.g_loss(None, fake)
        return loss if loss.item() == loss.item() else loss.detach()


class Counted:
    """A loss that goes by how often it was asked for."""

    def __call__(self, gan: Any, fake: Tensor) -> Tensor:
        gan.calls = getattr(gan, "calls", 0) + 1
        return Wasserstein.g_loss(None, fake) / gan.calls


class Scheduled:
    """A loss that lowers the learning rate."""

    def __call__(self, gan: Any, fake: Tensor) -> Tensor:
        gan.optimizer_g.param_groups[0]["lr"] *= 0.9
        return Wasserstein.g_loss(None, fake)


def with_loss(loss: Any, stream: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    ours = lambda gan, real, fake: loss(gan, fake)  # noqa: E731
    monkeypatch.setattr(registry.get("mlp_bce"), "g_loss", ours)
    stepped("mlp_bce", stream, 8, said)
    return said


@pytest.mark.parametrize("loss", [Counted(), Scheduled()])
def test_numbers_that_change_are_not_captured(
    loss: Any, mnist_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Rehearsal()
    (line,) = with_loss(loss, stream, monkeypatch)
    assert "they change Python numbers" in line
    assert stream.captured == 0


@pytest.mark.parametrize("stream", [pytest.param(cuda.Stream, marks=gpu)])
def test_what_broke_the_capture_is_named(
    stream: Any, mnist_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And other streams continue as before, this one step by step."""
    (line,) = with_loss(Item(), stream(), monkeypatch)
    assert "not permitted when stream is capturing" in line
    monkeypatch.undo()
    said: list[str] = []
    stepped("mlp_bce", stream(), 8, said)
    assert said == []


def test_each_capture_has_results_and_gradients_of_its_own() -> None:
    weight, row = torch.ones(3, requires_grad=True), torch.zeros(2)

    class Graph:
        def replay(self) -> None:
            row.add_(1)

    weight.grad = torch.tensor([1.0, 2.0, 3.0])
    capture, gradient = cuda.Capture(Graph(), ("loss_d", "loss_g"), row, [weight]), weight.grad
    first, second = capture.replay(), capture.replay()
    assert {n: v.item() for n, v in first.items()} == {"loss_d": 1, "loss_g": 1}
    assert {n: v.item() for n, v in second.items()} == {"loss_d": 2, "loss_g": 2}
    weight.grad = None  # as the capture of another phase leaves it
    capture.restore_gradients()
    assert weight.grad is gradient


def test_gradients_are_restored_once_the_work_is_done(
    mnist_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored: list[Rehearsed] = []
    monkeypatch.setattr(Rehearsed, "restore_gradients", lambda capture: restored.append(capture))
    made, _ = stepped("wgan", Rehearsal(), 5, [])
    assert restored == []  # the last step was not a replay
    for index in (5, 6, 5 + 5):
        made(index)
        made.synchronize()
    assert restored == [made._captures[0], made._captures[1], made._captures[0]]


@pytest.mark.parametrize("where", ["cpu", pytest.param("cuda", marks=gpu)])
def test_the_loader_deals_as_everywhere_and_draws_by_block(where: str) -> None:
    images = torch.arange(100, dtype=torch.uint8).view(100, 1, 1, 1)
    planned = Trial("mlp_bce", {}, 7, 3000, {"batch": 3000})
    loader = DeviceDataLoader(planned, Samples(images), 4, torch.device(where))
    order = Order(100, 3000, 7)
    assert loader.steps == 2
    batches = []
    for step in range(5):
        loader.seek(step)
        batches.append(loader.read(step))
    for step, batch in enumerate(batches):
        grey = ((batch.real.cpu() + 1) * 127.5).round().flatten()
        assert torch.equal(grey.to(torch.int64), order.indices(step))
        assert batch.latents.shape == (2, 3000, 4)
    for first, second in [(0, 1), (1, 2), (0, 2)]:
        assert not torch.equal(batches[first].latents, batches[second].latents)
    again = DeviceDataLoader(planned, Samples(images), 4, torch.device(where))
    again.seek(3)  # in the middle of a block, as after a resume
    assert torch.equal(again.read(3).latents, batches[3].latents)


def test_side_by_side_is_as_alone(device: None, make_trial: MakeTrial) -> None:
    folders = [make_trial(variant, CUDA).folder for variant in VARIANTS]
    alone = [whole(folder) for folder in folders]
    for folder in folders:
        reset(folder)
    Streams().run(folders, 3, lambda: False)
    for folder, expected in zip(folders, alone, strict=True):
        assert_resumes_to(expected, folder)


def test_a_stop_interrupts_all_and_they_resume(
    device: None, make_trial: MakeTrial, after: After
) -> None:
    folders = [make_trial(variant, CUDA).folder for variant in ("wgan", "batchnorm_dropout")]
    alone = [whole(folder) for folder in folders]
    for folder in folders:
        reset(folder)
    Streams().run(folders, 2, after(13))
    for folder in folders:
        saved = checkpoint.load(folder, print)
        assert saved is not None
        assert 0 < saved[0] <= 13  # one may have stopped in an evaluation
    Streams().run(folders, 2, lambda: False)
    for folder, expected in zip(folders, alone, strict=True):
        assert_resumes_to(expected, folder)


def test_one_that_fails_does_not_disturb_the_others(
    rehearsed: None, make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = make_trial("mlp_bce", CUDA), make_trial("wgan", CUDA)
    expected = whole(good.folder)
    reset(good.folder)
    monkeypatch.setattr(registry.get("wgan"), "d_loss", lambda self, real, fake: 1 / 0)
    Streams().run([bad.folder, good.folder], 2, lambda: False)
    assert bad.status.status == "failed"
    assert "ZeroDivisionError" in str(bad.status.reason)
    assert good.status.status == "done"
    assert_resumes_to(expected, good.folder)


def test_the_device_is_in_the_key_and_the_processor_keeps_its_own() -> None:
    cpu, gpu, said = (
        experiments.load("quick", overrides).trials()[0]
        for overrides in ([], [CUDA], ["device=cpu"])
    )
    assert "device" not in cpu.protocol
    assert gpu.protocol["device"] == "cuda"
    assert said.key == cpu.key != gpu.key


def test_a_machine_without_a_gpu_is_refused(
    make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    item = make_trial("mlp_bce", CUDA)
    with pytest.raises(UserError, match="no CUDA device .*: leave device at cpu"):
        runtime.require("fp32", "cuda")
    assert trial.run(item.folder) == "failed"
    assert "no CUDA device" in str(item.status.reason)
