import torch

from bench import streams


def test_streams_are_the_same_everywhere() -> None:
    assert streams.derive("data", 0, 0) == 7207258848295719597
    assert streams.derive("latent", 1, 2) == streams.derive("latent", 1, 2)


def test_axes_seeds_and_steps_do_not_touch() -> None:
    derived = {
        streams.derive(axis, seed, step)
        for axis in ("init", "data", "latent", "layers", "evaluation")
        for seed in range(20)
        for step in range(20)
    }
    assert len(derived) == 5 * 20 * 20


def test_a_generator_starts_at_the_beginning_of_its_stream() -> None:
    first = torch.randn(8, generator=streams.generator("latent", 1, 2))
    assert torch.equal(first, torch.randn(8, generator=streams.generator("latent", 1, 2)))
