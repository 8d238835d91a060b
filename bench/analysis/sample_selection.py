"""The sample grids behind the pictures: which seeds are shown, and their images over training."""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bench.analysis.records import Records
from bench.analysis.summary import Row, rows
from bench.tracking.reading import RecordStore


@dataclass(frozen=True)
class SampleGrids:
    """One trial's pictures of one key.

    Attributes:
        fid: the final one; NaN of a diverged trial.
        places: what its final FID is among its row's seeds: best, median, worst, diverged.
        pngs: images shown to PNG, oldest first.
    """

    run_id: str
    row: str
    seed: int
    status: str
    fid: float
    places: tuple[str, ...]
    pngs: dict[int, bytes]

    @property
    def last(self) -> np.ndarray:
        return pixels(self.pngs[max(self.pngs)])


Samples = dict[str, list[SampleGrids]]
"""By key of the logged picture ("samples", …): best, median and worst seed of each row and every
diverged trial, in the table's order."""


def select(store: RecordStore, records: Records) -> Samples:
    """Read the pictures of the trials that figures and page show."""
    samples: Samples = {}
    for row in rows(records):
        for run_id, places in _chosen(row).items():
            trial, pngs = row.trials.loc[run_id], dict[str, dict[int, bytes]]()
            for picture in store.pictures(run_id):
                pngs.setdefault(picture.key, {})[picture.step] = picture.png
            fid = trial.get("final/fid", math.nan)
            about = run_id, row.name, int(trial["seed"]), trial["status"], fid, tuple(places)
            for key, by_step in pngs.items():
                samples.setdefault(key, []).append(SampleGrids(*about, by_step))
    return samples


def missing(records: Records, samples: Samples) -> str:
    """A sentence where trials to show have pictures in the record whose files are gone; else "".

    A figure of such trials must neither be drawn of the rest nor be removed.
    """
    read = {grids.run_id for selected in samples.values() for grids in selected}
    chosen = [run_id for row in rows(records) for run_id in _chosen(row)]
    trials = records.trials.loc[[run_id for run_id in chosen if run_id not in read]]
    lost = trials[trials["trial/pictures"]]
    names = ", ".join(f"{trial['variant']} seed {trial['seed']}" for _, trial in lost.iterrows())
    if not names:
        return ""
    return (
        f"The logged pictures of {names} are not where MLflow says, so the figures of pictures are "
        "kept as they were: bring the folder artifacts back next to the database, then run the "
        "same command again."
    )


def pixels(png: bytes) -> np.ndarray:
    """A PNG as (height, width) uint8 where it is grey, else (height, width, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        levels = np.asarray(image.convert("RGB"))
    return levels[..., 0] if (levels == levels[..., :1]).all() else levels


def _chosen(row: Row) -> dict[str, list[str]]:
    """Run id to places."""
    fid = row.done.reindex(columns=["final/fid"])["final/fid"].dropna()
    ranked = list(fid.sort_values(kind="stable").index)
    # With an even count the better of the two middle seeds stands for the median.
    places = {"best": 0, "median": (len(ranked) - 1) // 2, "worst": -1} if ranked else {}
    chosen: dict[str, list[str]] = {}
    for name, index in places.items():
        chosen.setdefault(ranked[index], []).append(name)
    return chosen | {run_id: ["diverged"] for run_id in row.diverged.index}
