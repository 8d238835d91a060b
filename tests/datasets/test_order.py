import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.datasets.order import Order


def _deal(order: Order, steps: int) -> list[int]:
    return torch.cat([order.indices(step) for step in range(steps)]).tolist()


@settings(max_examples=30, deadline=None)
@given(count=st.integers(5, 40), batch=st.integers(1, 30), seed=st.integers(0, 9))
def test_each_image_once_an_epoch_whatever_the_batch(count: int, batch: int, seed: int) -> None:
    deal = _deal(Order(count, batch, seed), 2 * count // batch + 1)
    assert sorted(deal[:count]) == list(range(count))
    assert len(deal) == batch * (2 * count // batch + 1)


def test_a_step_does_not_depend_on_the_steps_before_it() -> None:
    once = Order(1000, 64, seed=3)
    for step in range(40):
        once.indices(step)
    assert torch.equal(once.indices(40), Order(1000, 64, seed=3).indices(40))


def test_seeds_and_epochs_differ() -> None:
    order = Order(1000, 1000, seed=0)
    assert not torch.equal(order.indices(0), order.indices(1))
    assert not torch.equal(order.indices(0), Order(1000, 1000, seed=1).indices(0))
