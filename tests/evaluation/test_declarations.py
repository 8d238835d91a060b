"""The names, labels and directions that a reader sees, and those of older records."""

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.evaluation.declarations import METRICS, Metric, _shipped, declared, measure
from bench.evaluation.identity import current


def test_they_are_known_without_the_metrics_code() -> None:
    code = (
        "import sys; from bench.evaluation.declarations import declared; "
        "print(*sorted(declared())); assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == METRICS.names()


def test_what_is_read_is_what_runs() -> None:
    assert _shipped() == {n: replace(METRICS.get(n), compute=None) for n in METRICS.names()}


def test_the_second_extractors_measures_take_after_the_first() -> None:
    second, third = measure("fid_alt"), measure("fid_inception")
    assert (second.name, second.head, second.ratio) == ("fid_alt", "FID ↓", True)
    assert (third.name, third.head, third.ratio) == ("fid_inception", "Inception FID ↓", True)


def test_an_unknown_measure_has_no_direction() -> None:
    assert measure("new_one") == Metric("new_one", "new one")
    assert measure("new_one").head == measure("new_one").axis == "new one"


def test_heads_and_axes_say_the_unit_and_the_better_side() -> None:
    assert measure("mode_kl").head == "mode KL [nats] ↓"
    assert measure("fid").axis == "FID (lower is better)"
    assert measure("density").axis == "density (best near the floor)"
    assert measure("images_per_s").head == "images/s ↑"


def test_only_distances_are_compared_by_ratios() -> None:
    ratios = {name for name, metric in declared().items() if metric.ratio}
    assert ratios == {
        "fid",
        "fid_heldout",
        "fid_infinity",
        "fid_within",
        "fid_within_worst",
        "mode_kl",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("score", "inception_score"),
        ("final/score", "final/inception_score"),
        ("score_sd", "inception_score_sd"),
        ("eval/witness_fid", "eval/fid_alt"),
        ("witness_score", "inception_score_alt"),
        ("noise/witness_mode_kl", "noise/mode_kl_alt"),
        ("inception_fid", "fid_inception"),
    ],
)
def test_older_names_are_read_as_todays(old: str, new: str) -> None:
    assert current(old) == new
    assert current(new) == new


@pytest.mark.parametrize("name", ["fid", "final/digit_share/3", "train/score", "row", "copying_ct"])
def test_other_names_stay(name: str) -> None:
    assert current(name) == name
