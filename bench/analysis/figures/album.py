"""Which figures there are, and what each shows in words."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.analysis.figures.curves import LearningCurve, fid_curves
from bench.analysis.figures.digits import digit_failures
from bench.analysis.figures.samples import latent_paths, logged_pictures, sample_grids
from bench.analysis.figures.seeds import seeds
from bench.analysis.figures.tradeoffs import tradeoffs
from bench.analysis.records import Records
from bench.analysis.sample_selection import Shown

TITLES = {
    "fid": "FID over training",
    "seeds": "Every seed",
    "digits": "Failures by class",
    "tradeoffs": "Fidelity and diversity",
    "samples": "Samples of the best, median and worst seed",
    "paths": "One latent over training",
    "interpolation": "From latent to latent",
    "neighbours": "Nearest training images",
}
OF_PICTURES = {"samples", "paths", "interpolation", "neighbours"}
"""The figures that are made of the pictures that trials logged."""
_CAPTIONS = {
    "fid": "Each mark is one seed; lines are geometric means over the seeds that finished, bands "
    "their 95 % t-intervals (on log FID). A cross is where a trial diverged.",
    "seeds": "Left: each mark is one seed, the black bar is the geometric mean with its 95 % "
    "t-interval (on log FID); n counts the seeds that finished. Variants that share a letter in "
    "square brackets are not distinguishable, or have too few seeds. Right: the best FID to be "
    "expected of k seeds, drawn without replacement.",
    "digits": "How many finished seeds draw a class less than a tenth as often as real images do; "
    "below, where recorded, means over the seeds: how often each class is drawn, and the share of "
    "its test images that a sample of it comes near.",
    "tradeoffs": "Each mark is one seed at the end of training; the star, where there is one, is "
    "what real images get. A generator that draws one thing only may lie high and far to the left.",
    "samples": "The last sample grid, from the same latents for every variant.",
    "paths": "The same three latents of the median seed at each evaluation point.",
    "interpolation": "The median seed's generator on spherical walks, a line each, between latents "
    "of the sample grid.",
    "neighbours": "The median seed's samples, each with the training image nearest to it in the "
    "ruler's features on its right.",
}


@dataclass(frozen=True)
class Drawn:
    """A figure with its file's stem, its heading and its caption."""

    name: str
    figure: Figure

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def caption(self) -> str:
        return _CAPTIONS[self.name]


def draw(
    records: Records, curves: list[LearningCurve], shown: dict[str, list[Shown]]
) -> list[Drawn]:
    """Every figure that the records suffice for.

    Args:
        records, curves: of one experiment.
        shown: key of a logged picture ("samples", …) to the trials that are shown by it.
    """
    samples = shown.get("samples", [])
    figures = {
        "fid": fid_curves(records, curves) if curves else None,
        "seeds": seeds(records),
        "digits": digit_failures(records),
        "tradeoffs": tradeoffs(records),
        "samples": sample_grids(samples) if samples else None,
        "paths": latent_paths(samples),
    }
    for key in ("interpolation", "neighbours"):
        figures[key] = logged_pictures(shown.get(key, []))
    return [Drawn(name, figure) for name, figure in figures.items() if figure]
