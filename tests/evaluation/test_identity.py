"""Names that cost nothing."""

import subprocess
import sys

from bench.evaluation import identity


def test_names_are_known_without_torch() -> None:
    code = (
        "import sys, bench.evaluation.identity as i; "
        "assert not {'torch', 'numpy', 'mlflow'} & set(sys.modules); print(i.measure_name())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{identity.DIGITS.id}/penultimate/n10000/test"


def test_ids_name_version_and_weights() -> None:
    for shipped in (identity.DIGITS, identity.ALTERNATIVE):
        assert shipped.id == f"{shipped.network}-v1-{shipped.sha256[:8]}"


def test_the_number_of_samples_is_part_of_the_name() -> None:
    assert identity.measure_name("r", 500) == "r/penultimate/n500/test"
