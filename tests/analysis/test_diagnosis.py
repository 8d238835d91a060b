"""Each rule applies to a made-up trial that has its fault, and not to one that is near it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

import bench
from bench.analysis import diagnosis
from bench.analysis.health import RULES, Finding, Trial, rule
from bench.analysis.records import ROW, frame
from bench.analysis.rules import findings
from bench.analysis.summary import Row
from bench.evaluation.calibration import SHIPPED

from .conftest import Written
from .synthetic import Store

BUDGET = 1_000_000
EVALUATED = np.arange(BUDGET // 10, BUDGET + 1, BUDGET // 10)
TRAINED = np.arange(5_000, BUDGET + 1, 5_000)


def trial(
    final: Mapping[str, float] = {},
    curves: Mapping[str, Any] = {},
    settings: Mapping[str, str] = {},
    **about: Any,
) -> Trial:
    """A healthy trial of ten digits, as `batchnorm_dropout` is in the paper, with changes.

    Curves of 10 points are evaluations, of 200 points training; a number is the same throughout.
    """
    fid = 6 + 18 * np.exp(-np.arange(10))
    numbers = {
        "fid": 6.0, "modes": 10.0, "mode_kl": 0.02, "recall": 0.63, "precision": 0.77,
        "authpct": 71.0, "copying_ct": 21.0, **{f"digit_share/{k}": 0.1 for k in range(10)},
    }  # fmt: skip
    points = {
        "fid": fid, "fid_heldout": 1.1 * fid, "modes": np.full(10, 10.0),
        "mode_kl": np.full(10, 0.02), "loss_d": np.linspace(0.9, 1.38, 200),
        "logit_real": np.geomspace(1, 0.02, 200), "logit_fake": -np.geomspace(1, 0.02, 200),
        "grad_generator": np.geomspace(3, 0.3, 200),
    } | curves  # fmt: skip
    return Trial(10, numbers | final, {n: series(v) for n, v in points.items()}, settings, **about)


def series(values: Any) -> "pd.Series[float]":
    return pd.Series(values, EVALUATED if len(values) == 10 else TRAINED, float)


def falling(factor: float) -> np.ndarray:
    """FID that each doubling of the budget multiplies by ``factor``."""
    return 100 * (EVALUATED / EVALUATED[0]) ** np.log2(factor)


def modes(count: float, since: int, missing: str) -> dict[str, Any]:
    """So many of ten classes are drawn since the evaluation of that number."""
    curve = np.where(np.arange(10) < since, 10.0, count)
    return {"final": {"modes": count}, "curves": {"modes": curve}, "missing": (*missing.split(),)}


def clipped(apart: float, worse: float, **settings: str) -> dict[str, Any]:
    """A critic whose outputs differ by 100 at first and by ``apart`` in the second half."""
    real = np.where(TRAINED <= BUDGET // 2, 100.0, apart)
    heldout = np.where(np.arange(10) < 3, 60.0, 60.0 * worse)
    curves = {"logit_real": real, "logit_fake": np.zeros(200), "loss_d": -real}
    return {"curves": curves | {"fid_heldout": heldout, "fid": heldout}, "settings": settings}


def beaten(loss: float, apart: float) -> dict[str, Any]:
    """A generator that the discriminator beats from a fifth of the budget on."""
    curves = {"loss_d": np.where(TRAINED <= 200_000, 0.5, loss), "logit_fake": np.zeros(200)}
    return {"curves": curves | {"logit_real": np.full(200, apart)}}


def gradients(late: float, fid: Any) -> dict[str, Any]:
    norms = np.where(TRAINED <= BUDGET // 2, 1.0, late)
    return {"curves": {"grad_generator": norms, "fid": fid, "fid_heldout": fid}}


def wave(*values: float) -> dict[str, Any]:
    return {"curves": {"fid": values, "fid_heldout": sorted(values, reverse=True)}}


FLAT = np.full(10, 60.0)
# Rule; a trial that has the fault; since when, in training half a window later; one near it.
CASES: list[tuple[str, dict[str, Any], int | None, dict[str, Any]]] = [
    ("diverged", {"diverged": "loss_d is not finite at step 3"}, BUDGET, {"diverged": ""}),
    ("still improving", {"curves": {"fid": falling(0.5)}}, None, {"curves": {"fid": falling(0.6)}}),
    (
        "discriminator won",
        beaten(0.01, 5.0),
        230_000,
        beaten(0.1, 5.0),
    ),
    ("discriminator won", beaten(0.01, 5.0), 230_000, beaten(0.01, 0.3)),
    ("weights at the clip", clipped(1, 1.5, clip="0.01"), 530_000, clipped(10, 1.5, clip="0.01")),
    ("weights at the clip", clipped(1, 1.5, clip="0.01"), 530_000, clipped(1, 1.05, clip="0.01")),
    ("weights at the clip", clipped(1, 1.5, clip="0.01"), 530_000, clipped(1, 1.5)),
    ("generator gradient vanishes", gradients(0.01, FLAT), 530_000, gradients(0.03, FLAT)),
    ("generator gradient vanishes", gradients(0.01, FLAT), 530_000, gradients(0.01, falling(0.6))),
    (
        "noise",
        {"final": {"authpct": 90.0, "recall": 0.0, "precision": 0.54}},
        None,
        {"final": {"authpct": 90.0, "recall": 0.0, "precision": 0.98}},
    ),
    (
        "noise",
        {"final": {"high_quality": 2.0}, "curves": {"high_quality": np.full(10, 2.0)}},
        0,
        {"final": {"high_quality": 50.0}, "curves": {"high_quality": np.full(10, 50.0)}},
    ),
    ("collapsed", modes(5, 4, "0 2 4 6 8"), 500_000, modes(6, 4, "0 2 4 6")),
    ("classes missing", modes(9, 0, "7"), 0, modes(10, 0, "")),
    ("unequal classes", {"final": {"mode_kl": 0.3}}, None, {"final": {"mode_kl": 0.09}}),
    ("little variety", {"final": {"recall": 0.01}}, None, {"final": {"recall": 0.15}}),
    (
        "copies",
        {"final": {"authpct": 0.0, "copying_ct": -38.0}},
        None,
        {"final": {"authpct": 26.0, "copying_ct": -3.0}},
    ),
    (
        "oscillates",
        wave(50, 40, 50, 40, 50, 40, 39, 39, 39, 39),
        200_000,
        wave(50, 40, 50, 40, 42, 40, 39, 39, 39, 39),
    ),
    (
        "past its best",
        {"curves": {"fid_heldout": [30, 25, 20, 15, 15, 16, 17, 18, 19, 20]}},
        400_000,
        {"curves": {"fid_heldout": [30, 25, 20, 15, 15, 15, 15, 15, 16, 16]}},
    ),
]


@pytest.mark.parametrize(("name", "ill", "since", "near"), CASES)
def test_a_rule_applies_to_its_fault_and_not_to_what_is_near_it(
    name: str, ill: dict[str, Any], since: int | None, near: dict[str, Any]
) -> None:
    assert findings(trial(**ill))[name].since == since
    assert name not in findings(trial(**near))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("held-out training images (floor)", []),
        ("replay of the training set", ["copies"]),
        ("digits 0-8 only", ["classes missing"]),
        ("ten images repeated", ["little variety"]),
        ("one digit", ["collapsed"]),
        ("uniform noise", ["noise"]),
    ],
)
def test_known_sets_of_real_images_get_the_diagnosis_that_they_are_known_for(
    name: str, expected: list[str]
) -> None:
    (row,) = [row for row in json.loads(SHIPPED.read_text())["rows"] if row["row"] == name]
    numbers = {metric: value for metric, value in row.items() if not isinstance(value, str)}
    absent = tuple(row["missing"].replace("none", "").split())
    assert list(findings(Trial(10, numbers, missing=absent))) == expected


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in CASES} == {*RULES} - {"healthy"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"curves": {"fid": falling(0.7)}},
        {"settings": {"clip": "0.01"}},
        {"curves": {"fid": 6 * np.exp(0.04 * np.sin(np.arange(10)))}},
        {"curves": {"loss_d": np.full(200, -5.0)}},
    ],
    ids=["comes to rest", "falls slowly", "clips", "is noisy", "has a Wasserstein loss"],
)
def test_a_healthy_trial_has_no_fault(given: dict[str, Any]) -> None:
    assert list(findings(trial(**given))) == ["healthy"]


def test_a_healthy_trial_says_what_twice_the_budget_may_bring() -> None:
    assert findings(trial())["healthy"].detail == "FID has nearly come to rest"
    falls = findings(trial(curves={"fid": falling(0.7)}))["healthy"]
    assert falls.detail == "twice the budget may lower FID by up to 30%"


def test_where_too_little_was_recorded_nothing_is_said() -> None:
    assert findings(Trial(10)) == {}
    assert diagnosis.names({}) == diagnosis.sentence({}) == "unknown"


def test_the_less_precise_rule_is_silent() -> None:
    few = modes(1, 0, "0 1 2 3 4 5 6 7 9")
    few["final"] |= {"mode_kl": 2.3, "recall": 0.0}
    (found,) = findings(trial(**few)).items()
    assert found == ("collapsed", Finding("draws 1 of 10 classes: 8", 0))
    ended = replace(trial(**few), diverged="loss_d is not finite")
    assert list(findings(ended)) == ["diverged"]


@pytest.mark.parametrize(
    ("classes", "drawn", "name"),
    [(25, 24, "classes missing"), (1000, 975, "healthy"), (1000, 960, "classes missing"),
     (8, 4, "collapsed"), (1000, 400, "collapsed")],
)  # fmt: skip
def test_modes_are_counted_by_the_number_of_classes(classes: int, drawn: int, name: str) -> None:
    given = replace(trial(final={"modes": drawn}), classes=classes)
    assert list(findings(given)) == [name]


def test_a_rule_without_its_source_is_refused() -> None:
    def hungry(trial: Trial) -> Finding | None:
        """It is hungry.

        Threshold: noon
        Helps: lunch
        """
        return None

    with pytest.raises(ValueError, match="The docstring of the rule 'hungry' has no Source"):
        rule("hungry")(hungry)
    assert "hungry" not in RULES


def row(*seeds: dict[str, Finding]) -> tuple[Row, dict[str, dict[str, Finding]]]:
    about = {"variant": "wgan", "status": "done", ROW: "wgan"}
    given = [{"run_id": f"run{seed}", "seed": seed, **about} for seed in range(len(seeds))]
    return Row("wgan", frame(given)), {f"run{seed}": trial for seed, trial in enumerate(seeds)}


def test_a_row_says_in_how_many_trials_and_between_when() -> None:
    worse = [
        Finding("FID was 6, and is 9", since, sure) for since, sure in ((200, True), (0, False))
    ]
    few = Finding("draws 1 of 10 classes", 100)
    entries = diagnosis.of_row(
        *row({"collapsed": few, "past its best": worse[0]}, {"past its best": worse[1]}, {})
    )
    texts = [(e.what, e.since, e.count, e.of, e.sure) for e in entries]
    assert texts == [
        ("past its best: FID was 6, and is 9", "the start to 200", 2, 3, False),
        ("collapsed: draws 1 of 10 classes", "100", 1, 3, True),
    ]
    assert entries[0].helps == RULES["past its best"].helps


def test_a_trial_is_said_in_a_line() -> None:
    ill = {"collapsed": Finding("draws 1 of 10 classes", 0), "copies": Finding("C_T is −9")}
    expected = "collapsed since the start: draws 1 of 10 classes. copies: C_T is −9"
    assert diagnosis.sentence(ill) == expected


@pytest.fixture(scope="module")
def health(quick: Store) -> "pd.Series[str]":
    return bench.load_results("quick", quick.uri).set_index(["variant", "seed"])["diagnosis"]


def test_load_results_names_what_went_wrong(health: "pd.Series[str]") -> None:
    assert health["wgan", 2] == "diverged"
    assert set(health["mlp_bce"]) == {"past its best"}
    assert set(health["batchnorm_dropout"]) == {"healthy"}
    assert set(health["spectral_norm"]) == {"still improving"}


def test_tables_page_and_terminal_say_it(written: Written) -> None:
    lines = written.comparison.diagnosis.splitlines()
    (mlp,) = [line for line in lines if line.startswith("mlp_bce: ")]
    assert mlp.startswith("mlp_bce: past its best since 4,800 (3 of 3). Try: ")
    for file in ("table.md", "table.tex", "index.html"):
        text = (written.out / file).read_text(encoding="utf-8")
        assert "Diagnosis: is the training healthy?" in text
        assert RULES["past its best"].helps[:20] in text
        assert RULES["past its best"].about in text
        assert RULES["copies"].about not in text
    page = (written.out / "index.html").read_text(encoding="utf-8")
    for run_id, text in written.comparison.diagnoses.items():
        assert (
            str(escape(text)) in page.partition(f"<code>{run_id}</code>")[0].rpartition("<tr>")[2]
        )
    assert set(written.comparison.diagnoses.values()) >= {
        "diverged since 3,200: the critic's loss is not finite at image 3200"
    }
