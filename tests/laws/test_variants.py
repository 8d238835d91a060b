"""The laws of the contract, over everything that is registered, plug-ins included."""

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench import seeding
from bench.datasets import Samples
from bench.nn import BATCH_NORMS
from bench.training import checkpoint, resuming
from bench.trials import Trial
from bench.variants import GAN, Algorithm, Batch, registry

BATCH = 8


def make(variant: str, seed: int = 0) -> Algorithm:
    torch.manual_seed(seeding.derive("init", seed))
    return registry.create(variant, registry.configure(variant, {}), (1, 28, 28), 10)


def make_gan(variant: str) -> GAN:
    made = make(variant)
    if not isinstance(made, GAN):
        pytest.skip("not an adversarial game")
    return made


def batch(algorithm: Algorithm, index: int = 0) -> Batch:
    source = seeding.generator("data", 0, index)
    real = torch.rand(BATCH, 1, 28, 28, generator=source) * 2 - 1
    latents = torch.randn(2, BATCH, algorithm.latent, generator=source)
    return Batch(index, real, latents, torch.arange(BATCH) % 10)


def fakes(gan: GAN, given: Batch) -> Tensor:
    return gan.G(*gan.inputs(given.latents[0], given.labels))


def labels_of(gan: GAN, given: Batch) -> Tensor | None:
    return given.labels if gan.conditional else None


def steps(algorithm: Algorithm, first: int, last: int) -> list[dict[str, Tensor]]:
    found = []
    for index in range(first, last):
        torch.manual_seed(seeding.derive("layers", 0, index))
        found.append(algorithm.step(batch(algorithm, index)))
    return found


def tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)


def snapshot(value: Any) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors(value)]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_discriminator_step_leaves_the_generator_bit_identical(variant: str) -> None:
    gan = make_gan(variant)
    given = batch(gan)
    fake = fakes(gan, given).detach()
    before, critic = snapshot(gan.G.state_dict()), snapshot(gan.D.state_dict())
    gan.d_step(given.real, fake, labels_of(gan, given))
    assert same(before, snapshot(gan.G.state_dict()))
    assert not same(critic, snapshot(gan.D.state_dict()))


def test_a_generator_step_leaves_the_discriminator_bit_identical(variant: str) -> None:
    gan = make_gan(variant)
    before, generator = snapshot(gan.D.state_dict()), snapshot(gan.G.state_dict())
    given = batch(gan)
    gan.g_step(fakes(gan, given), given.real, labels_of(gan, given), given.latents[0])
    assert same(before, snapshot(gan.D.state_dict()))
    assert not same(generator, snapshot(gan.G.state_dict()))
    assert all(weight.requires_grad for weight in gan.D.parameters())


def test_the_generator_moves_once_in_n_critic_steps(variant: str) -> None:
    gan = make_gan(variant)
    measured = steps(gan, 0, 2 * gan.n_critic)
    assert all("loss_d" in scalars for scalars in measured)
    moved = ["loss_g" in scalars for scalars in measured]
    assert moved == 2 * ([False] * (gan.n_critic - 1) + [True])


def test_each_step_says_which_networks_it_moved(variant: str) -> None:
    """So that generator and discriminator steps are counted."""
    algorithm = make(variant)
    for index in range(2 * getattr(algorithm, "n_critic", 1)):
        before = {n: snapshot(list(net.parameters())) for n, net in algorithm.networks().items()}
        (scalars,) = steps(algorithm, index, index + 1)
        for name, network in algorithm.networks().items():
            mark = "loss_d" if name == "discriminator" else "loss_g"
            assert same(before[name], snapshot(list(network.parameters()))) != (mark in scalars)


def test_sampling_changes_no_state(variant: str) -> None:
    algorithm = make(variant)
    steps(algorithm, 0, 2)
    before, random = snapshot(algorithm.state()), torch.get_rng_state()
    modes = [m.training for net in algorithm.networks().values() for m in net.modules()]
    algorithm.sample(20, seeding.generator("evaluation", 0))
    assert same(before, snapshot(algorithm.state()))
    assert torch.equal(random, torch.get_rng_state())
    assert modes == [m.training for net in algorithm.networks().values() for m in net.modules()]


def test_samples_are_images_and_do_not_depend_on_their_company(variant: str) -> None:
    algorithm = make(variant)
    steps(algorithm, 0, 2)
    few = algorithm.sample(16, seeding.generator("evaluation", 0))
    many = algorithm.sample(1008, seeding.generator("evaluation", 0))
    assert few.shape == (16, 1, 28, 28)
    assert few.abs().max() <= 1
    torch.testing.assert_close(few, many[:16], rtol=0, atol=1e-5)


@pytest.mark.parametrize("height", [1e4, -1e4])
def test_losses_and_gradients_are_finite_at_extreme_logits(variant: str, height: float) -> None:
    gan = make_gan(variant)
    logits = torch.full((3, BATCH, 1), height, requires_grad=True)
    loss = gan.d_loss(logits[0], logits[1]) + gan.g_loss(logits[0], logits[2])
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_discriminator_answers_in_logits(variant: str) -> None:
    gan = make_gan(variant)
    assert not any(isinstance(m, nn.Sigmoid | nn.Softmax) for m in gan.D.modules())
    with torch.no_grad():
        for weight in gan.D.parameters():
            weight.mul_(50)
    gan.D.eval()
    labels = [torch.arange(BATCH)] if gan.conditional else []
    logits = gan.D(torch.ones(BATCH, *gan.packed_shape), *labels)
    assert logits.numel() == BATCH


def test_the_constraint_holds_after_a_step(variant: str) -> None:
    gan = make_gan(variant)
    steps(gan, 0, 1)
    clip = getattr(gan, "clip", None)
    if clip is not None:
        assert max(weight.abs().max() for weight in gan.D.parameters()) <= clip
    normalised = [m for m in gan.D.modules() if hasattr(m, "parametrizations")]
    if normalised:
        steps(gan, 1, 60)
    gan.D.eval()
    for layer in normalised:
        sigma = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        assert sigma.item() == pytest.approx(1, abs=0.05)


def test_no_batch_norm_under_a_gradient_penalty(variant: str) -> None:
    gan = make_gan(variant)
    given = batch(gan)
    fake = fakes(gan, given).detach().view(-1, *gan.packed_shape)
    labels = [given.labels] if gan.conditional else []
    penalty = gan.penalty(given.real.view(-1, *gan.packed_shape), fake, 0, *labels)
    penalised = penalty is not None
    assert not (penalised and any(isinstance(m, BATCH_NORMS) for m in gan.D.modules()))


def test_two_steps_from_one_seed_are_bit_identical(variant: str) -> None:
    one, other = make(variant), make(variant)
    assert same(snapshot(steps(one, 0, 2)), snapshot(steps(other, 0, 2)))
    assert same(snapshot(one.state()), snapshot(other.state()))


def test_state_is_all_that_the_next_step_depends_on(variant: str) -> None:
    one, other = make(variant), make(variant, seed=1)
    steps(one, 0, 6)
    other.load(copy.deepcopy(one.state()))
    steps(one, 6, 12)
    steps(other, 6, 12)
    assert same(snapshot(one.state()), snapshot(other.state()))


def test_it_resumes_to_the_same_bits_from_any_step_of_a_cycle(variant: str) -> None:
    """By way of a checkpoint's bytes, the networks, the reported scalars and the state alike."""
    cycle = getattr(make(variant), "n_critic", 1)
    straight = make(variant)
    expected = steps(straight, 0, 2 * cycle + 1)
    for stop in range(1, cycle + 2):
        before, after = make(variant), make(variant, seed=1)
        steps(before, 0, stop)
        after.load(checkpoint.decoded(checkpoint.encoded(before.state())))
        measured = steps(after, stop, 2 * cycle + 1)
        assert same(snapshot(measured), snapshot(expected[stop:]))
        assert same(snapshot(after.state()), snapshot(straight.state()))


def test_it_passes_the_check_at_the_start_of_a_trial(variant: str) -> None:
    images = torch.randint(256, (64, 1, 28, 28), dtype=torch.uint8)
    trial = Trial(variant, registry.configure(variant, {}), 0, 640, {"batch": BATCH})
    resuming.check(trial, Samples(images, torch.arange(64) % 10))


def test_what_a_worker_is_given_can_be_pickled(variant: str) -> None:
    configuration = registry.configure(variant, {})
    assert pickle.loads(pickle.dumps(configuration)) == configuration


def test_the_file_says_where_it_comes_from(variant: str) -> None:
    text = registry.source(variant).read_text()
    assert text.startswith('"""')
    assert any(f" {year}" in text for year in range(1990, 2100)), "paper and year"
    assert registry.summary(variant)
