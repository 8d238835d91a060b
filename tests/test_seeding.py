import torch

from bench import seeding


def test_streams_are_the_same_everywhere() -> None:
    assert seeding.derive("data", 0, 0) == 7207258848295719597
    assert seeding.derive("latent", 1, 2) == seeding.derive("latent", 1, 2)


def test_axes_seeds_and_steps_do_not_touch() -> None:
    derived = {
        seeding.derive(axis, seed, step)
        for axis in ("init", "data", "latent", "layers", "evaluation")
        for seed in range(20)
        for step in range(20)
    }
    assert len(derived) == 5 * 20 * 20


def test_a_generator_starts_at_the_beginning_of_its_stream() -> None:
    first = torch.randn(8, generator=seeding.generator("latent", 1, 2))
    assert torch.equal(first, torch.randn(8, generator=seeding.generator("latent", 1, 2)))
