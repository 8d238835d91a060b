"""The table at the end of `ganbench run`: at most 100 columns, whatever the numbers and names."""

from typing import Any

import pytest

from bench.analysis.formats import Cell, Grid, plain
from bench.analysis.records import ROW, Records, frame
from bench.analysis.table import narrow

# Mean and spread over seeds as the variants of `paper` and `quick` have them.
NUMBERS: dict[str, dict[str, tuple[float, float]]] = {
    "batchnorm_dropout": {"fid": (17.42, 0.62), "modes": (10, 0), "mode_kl": (0.143, 0.019)},
    "spectral_norm": {"fid": (0.1834, 0.0021), "modes": (9.9, 0.3), "mode_kl": (0.00271, 0.0004)},
    "wgan": {"fid": (74.3, 6.8), "modes": (1.5, 0.76), "mode_kl": (1.94, 0.16)},
    "mlp_bce": {"fid": (1102.4, 218.0), "modes": (7.2, 1.3), "mode_kl": (2.318, 0.019)},
}
FLOOR = {"fid": 0.1212, "modes": 10.0, "mode_kl": 0.000744}


def trials(name: str, of: str, diverged: bool) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"run_id": f"{name}{seed}", "variant": of, "seed": seed, "status": "done", ROW: name,
         "trial/reason": "", "trial/missing": "none", "samples": "10000",
         "cost/images_per_s": 21_603.0}
        | {f"final/{m}": mean + (seed - 2) * sd / 2.5**0.5 for m, (mean, sd) in NUMBERS[of].items()}
        for seed in range(5)
    ]  # fmt: skip
    if diverged:
        made.append({"run_id": f"{name}5", "variant": of, "seed": 5, "status": "diverged",
                     ROW: name, "trial/missing": "", "trial/reason": ""})  # fmt: skip
    return made


def records(
    names: dict[str, str],
    floor: dict[str, float],
    notes: tuple[str, ...] = (),
    diverged: bool = True,
) -> Records:
    held = frame(t for name, of in names.items() for t in trials(name, of, diverged))
    return Records(
        "quick", "1", held, notes, "r", "r/l/n10000/test", "p", floor, (), "", "", "", "", ""
    )


def columns(text: str) -> list[str]:
    """The lines of the table."""
    _, _, rest = text.partition("\n\n")
    return rest.partition("\n\n")[0].splitlines()


FOUR = {name: name for name in NUMBERS}


def test_four_variants_with_failures_groups_and_floor_fit_a_hundred_columns() -> None:
    head, *lines = columns(plain(narrow(records(FOUR, FLOOR))))
    assert max(map(len, (head, *lines))) <= 100
    assert {len(line) for line in lines} == {len(head)}
    assert head.split() == [
        "variant", "n", "failures", "FID", "↓", "FID/floor", "group", "modes", "↑", "mode", "KL",
        "↓", "images/s",
    ]  # fmt: skip
    assert lines[1].split()[:7] == ["batchnorm_dropout", "5", "1", "17.42", "±", "0.62", "144"]
    assert lines[-1].startswith("real data  ")


@pytest.mark.parametrize(("floor", "diverged"), [({}, True), (FLOOR, False), ({}, False)])
def test_columns_without_anything_to_say_are_left_out(
    floor: dict[str, float], diverged: bool
) -> None:
    text = plain(narrow(records(FOUR, floor, diverged=diverged)))
    assert ("FID/floor" in text) == ("real data" in text) == bool(floor)
    assert ("failures" in text) == diverged


def test_a_long_name_stands_whole_on_its_own_line() -> None:
    long = "wgan (clip=0.01, lr=0.00005, n_critic=5)"
    text = plain(narrow(records({"wgan": "wgan", long: "mlp_bce"}, FLOOR)))
    lines = columns(text)
    assert max(map(len, lines)) <= 100
    place = lines.index(long)
    assert lines[place + 1].split()[:3] == ["5", "1", "1102"]
    assert len(lines[place + 1]) == len(lines[0])


def test_a_name_longer_than_the_line_is_wrapped_and_whole() -> None:
    long = " ".join(f"wgan.key_{i}=0.{i}" for i in range(20))
    lines = columns(plain(narrow(records({long: "wgan", "wgan": "wgan"}, FLOOR))))
    assert max(map(len, lines)) <= 100
    assert long in " ".join(lines)


def test_what_was_left_out_is_said_below() -> None:
    note = "2 runs were left out."
    assert plain(narrow(records(FOUR, FLOOR, (note,)))).endswith(f"{note}\n")


def test_numbers_line_up_on_the_right_and_names_on_the_left() -> None:
    grid = Grid("g", "c", ("a", "bb"), ((Cell("xyz"), Cell("1")), (Cell("u"), Cell("200"))), ("n",))
    assert plain(grid) == "c\n\na     bb\nxyz    1\nu    200\n\nn\n"
