"""The sample grids behind the pictures: which seeds are shown, and their images over training."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bench.analysis.records import Records, Trial
from bench.analysis.summary import Row, rows
from bench.tracking.pictures import LOGGED
from bench.tracking.reading import RecordStore


@dataclass(frozen=True)
class SampleGrids:
    """One trial's pictures of one key.

    Attributes:
        places: what its final FID is among its row's seeds: best, median, worst, diverged.
        pngs: images shown to PNG, oldest first.
    """

    trial: Trial
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
        for trial, places in _chosen(row):
            pngs: dict[str, dict[int, bytes]] = {}
            for picture in store.pictures(trial.run_id):
                pngs.setdefault(picture.key, {})[picture.step] = picture.png
            for key, by_step in pngs.items():
                samples.setdefault(key, []).append(SampleGrids(trial, tuple(places), by_step))
    return samples


def missing(records: Records, samples: Samples) -> str:
    """A sentence where trials to show have pictures in the record whose files are gone; else "".

    A figure of such trials must neither be drawn of the rest nor be removed.
    """
    known = {grids.trial.run_id for selected in samples.values() for grids in selected}
    lost = [
        trial
        for row in rows(records)
        for trial, _ in _chosen(row)
        if trial.tags.get(LOGGED) == "True" and trial.run_id not in known
    ]
    names = ", ".join(f"{trial.variant} seed {trial.seed}" for trial in lost)
    if not lost:
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


def _chosen(row: Row) -> list[tuple[Trial, list[str]]]:
    ranked = sorted(
        (trial for trial in row.done if "fid" in trial.final), key=lambda trial: trial.final["fid"]
    )
    places: dict[str, list[str]] = {trial.run_id: [] for trial in ranked}
    if ranked:
        # With an even count the better of the two middle seeds stands for the median.
        middle = (len(ranked) - 1) // 2
        for name, index in (("best", 0), ("median", middle), ("worst", len(ranked) - 1)):
            places[ranked[index].run_id].append(name)
    chosen = [(trial, places[trial.run_id]) for trial in ranked if places[trial.run_id]]
    return chosen + [(trial, ["diverged"]) for trial in row.diverged]
