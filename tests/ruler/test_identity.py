"""Names that cost nothing, and numbers that must not meet."""

import subprocess
import sys

import pytest

from bench.errors import UserError
from bench.ruler import identity


def test_names_are_known_without_torch() -> None:
    code = (
        "import sys, bench.ruler.identity as i; "
        "assert not {'torch', 'numpy', 'mlflow'} & set(sys.modules); print(i.measure_name())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{identity.DIGITS.id}/penultimate/n10000/test"


def test_ids_name_version_and_weights() -> None:
    for shipped in (identity.DIGITS, identity.WITNESS):
        assert shipped.id == f"{shipped.network}-v1-{shipped.sha256[:8]}"


def test_the_number_of_samples_is_part_of_the_name() -> None:
    assert identity.measure_name("r", 500) == "r/penultimate/n500/test"
    fields = identity.protocol("r", 500)
    assert (fields["ruler"], fields["samples"], fields["split"]) == ("r", 500, "test")
    assert "[-1, 1]" in str(fields["preprocessing"])


def test_one_measure_is_passed_through() -> None:
    assert identity.require_one(["a/n1", "a/n1"]) == "a/n1"


def test_two_rulers_are_both_named() -> None:
    with pytest.raises(UserError, match=r"Numbers of a/n1 and b/n1 do not belong into one table"):
        identity.require_one(["b/n1", "a/n1", "b/n1"])


def test_no_measure_at_all() -> None:
    with pytest.raises(UserError, match="no measured numbers"):
        identity.require_one([])
