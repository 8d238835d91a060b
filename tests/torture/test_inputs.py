"""Whatever one feeds it, it answers in a sentence."""

import pytest

from . import inputs


@pytest.mark.parametrize("kind", inputs.KINDS)
def test_every_input_is_taken_or_refused_in_a_sentence(kind: str) -> None:
    assert inputs.throw(kind, 70) >= 50
