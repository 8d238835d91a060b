"""Known sets of samples sent through the evaluator: what each metric can and cannot see."""

import json
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bench import seeding
from bench.datasets.dataset import Samples
from bench.evaluation import suite
from bench.evaluation.declarations import EACH, Value
from bench.evaluation.identity import SAMPLES
from bench.evaluation.reference import Reference
from bench.evaluation.statistics import FeatureStatistics

if TYPE_CHECKING:
    from bench.evaluation.evaluator import Evaluator

SHIPPED = Path(__file__).parent / "weights" / "calibration.json"
FLOOR = "held-out training images (floor)"
HALVES = "disjoint training halves"
_DRAWS = 10
MOST_SETS = 20


def rows(evaluator: "Evaluator") -> list[dict[str, Value]]:
    """One row a set, the floor first; a spread over draws stands next to its mean as ``…_sd``.

    Each row is kept in the store as soon as it is known. ``n`` is the number of samples in its set,
    whatever the n of the table that it stands next to. Training samples stand against others where
    all metrics are measured.
    """
    dataset, keep = evaluator.extractor.dataset, evaluator.cache.json
    n = min(evaluator.usual_n or SAMPLES, len(dataset.split("heldout")))
    made: list[dict[str, Value]] = [{"row": FLOOR, "n": n, **evaluator.floor(n, final=True)}]
    if evaluator.metrics is None:
        half = min(n, len(dataset.split("train")) // 2)
        of_halves = keep("halves", lambda: _halves(evaluator.reference.train, half))
        made.append({"row": HALVES, "n": half, **of_halves})

    def known(images: Callable[[], Tensor]) -> dict[str, Value]:
        return evaluator.measure(images(), final=True)

    for name, images in evaluator.known_sets.items():
        made.append({"row": name, "n": n, **keep(images.__name__, partial(known, images))})
    return made


def shipped(evaluator: "Evaluator") -> list[dict[str, Value]] | None:
    """The rows that come with the pinned evaluator; None for any other evaluator.

    They are constants of the evaluator and the data set, worked out by ``ganbench calibrate``, so
    that a table need not spend two minutes on them.
    """
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    if content["ids"] != ids(evaluator):
        return None
    rows: list[dict[str, Value]] = content["rows"]
    return rows


def ids(evaluator: "Evaluator") -> list[str]:
    """What the rows depend on besides the metrics' code."""
    return [evaluator.id, evaluator.alternative_id, evaluator.extractor.dataset.digest]


def floor(evaluator: "Evaluator", n: int, final: bool) -> dict[str, Value]:
    """What `Evaluator.floor` keeps."""
    heldout = evaluator.extractor.dataset.split("heldout")
    values = mean_of_each(
        [evaluator.measure(part.values, final, part.labels) for part in disjoint_sets(n, heldout)]
    )
    for name in [name for name in values if name.startswith("fid_heldout")]:
        values[name] = values[name.replace("_heldout", "")]
    return values


def _halves(train: FeatureStatistics, n: int) -> dict[str, Value]:
    """The metrics of each evaluation between n training images and n others: mean and sd of ten."""
    draws = [_half_against_half(train, n, draw) for draw in range(_DRAWS)]
    summary: dict[str, Value] = {}
    if "missing" in draws[0]:
        summary["missing"] = mean([d["missing"] for d in draws])
    for name in draws[0]:
        values = [float(d[name]) for d in draws if not isinstance(d[name], str)]
        if values:
            summary[name] = statistics.fmean(values)
            summary[f"{name}_sd"] = statistics.stdev(values)
    return summary


def _half_against_half(train: FeatureStatistics, n: int, draw: int) -> dict[str, Value]:
    order = torch.randperm(len(train), generator=seeding.generator("calibration", 1, draw))
    ours, others = (train.subset(part) for part in torch.split(order, n)[:2])
    metrics = [m for m in suite.at(EACH) if m.name != "fid_heldout"]
    return suite.compute(ours, Reference(lambda split: others), metrics)[0]


def disjoint_sets(n: int, heldout: Samples) -> list[Samples]:
    """Sets of n held-out samples that share none, by a fixed shuffle.

    At most ``MOST_SETS``, for every metric alike: one set of 100 images has an FID that is 40 % off
    (sd over sets), the mean of 20 is 9 % off. Together they never hold more than all held-out
    images, so a small n costs no more than a large one. Each set keeps the order of the file. For
    an n above the number of held-out images there is no set.
    """
    order = torch.randperm(len(heldout), generator=seeding.generator("calibration", 2))
    whole = [part for part in torch.split(order, n) if len(part) == n]
    return [heldout.select(part.sort().values) for part in whole[:MOST_SETS]]


def mean_of_each(draws: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """Each metric's mean over the draws that define it."""
    names = dict.fromkeys(name for draw in draws for name in draw)
    return {name: mean([draw[name] for draw in draws if name in draw]) for name in names}


def mean(values: Sequence[Value]) -> Value:
    """The mean; one value that all share stays as it is, and words are listed."""
    if len(set(values)) == 1:
        return values[0]
    words = sorted({value for value in values if isinstance(value, str)})
    if words:
        return "; ".join(words)
    return statistics.fmean(value for value in values if not isinstance(value, str))
