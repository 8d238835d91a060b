import torch

from bench.datasets import pixels


def test_every_grey_level_survives_the_round_trip() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(pixels.to_grid(pixels.to_float(levels)), levels)


def test_rounding_is_to_the_nearest_level_and_clamps() -> None:
    step = 2 / 255
    values = torch.tensor([-1.2, -1.0, -1 + 0.4 * step, -1 + 0.6 * step, 1.0, 7.0])
    assert pixels.to_grid(values).tolist() == [0, 0, 0, 1, 255, 255]


def test_inputs_are_left_alone() -> None:
    values = torch.tensor([0.5])
    pixels.to_grid(values)
    assert values.item() == 0.5
