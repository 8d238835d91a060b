"""What each recorded measure is called in a table, and which way is better.

The evaluator defines the measures; here stands only what a reader of old records needs, and a test
holds the directions to the evaluator's own.
"""

from dataclasses import dataclass, replace
from typing import Literal

Better = Literal["lower", "higher", "near the floor", "neither"]

WITNESS = "witness_"
_SIGNS = {"lower": " ↓", "higher": " ↑", "near the floor": " ≈ floor", "neither": ""}


@dataclass(frozen=True)
class Measure:
    """A measure as a reader meets it.

    Attributes:
        name: as in the records, without ``final/``.
        label: as in a column head or on an axis.
        better: the direction of improvement.
        about: one sentence for the page.
        unit: empty for a plain number.
        ratio: a positive distance, compared by ratios (on the log scale) rather than differences.
    """

    name: str
    label: str
    better: Better = "neither"
    about: str = ""
    unit: str = ""
    ratio: bool = False

    @property
    def head(self) -> str:
        """The label with its unit and a sign for the better side."""
        return f"{self._with_unit}{_SIGNS[self.better]}"

    @property
    def axis(self) -> str:
        """The label with its unit and the better side in words."""
        side = {"neither": "", "near the floor": " (best near the floor)"}
        return f"{self._with_unit}{side.get(self.better, f' ({self.better} is better)')}"

    @property
    def _with_unit(self) -> str:
        return f"{self.label} [{self.unit}]" if self.unit else self.label


_FRECHET = "Fréchet distance on the classifier's features"
_FLOOR: Better = "near the floor"
_KNOWN = (
    Measure("fid", "FID", "lower", f"{_FRECHET}, to the test images.", ratio=True),
    Measure(
        "fid_heldout", "FID to held-out", "lower", f"{_FRECHET}, to held-out images.", "", True
    ),
    Measure(
        "fid_infinity", "FID∞", "lower", "FID extrapolated to endlessly many samples.", "", True
    ),
    Measure(
        "inception_fid",
        "Inception FID",
        "lower",
        "The FID of papers, for those with weights.",
        ratio=True,
    ),
    Measure("kid", "KID", "lower", "Unbiased MMD² with a cubic kernel; may be just below 0."),
    Measure("modes", "modes", "higher", "Digits drawn a tenth as often as real or more.", "of 10"),
    Measure("modes_any", "modes any", "higher", "Digits drawn at all; noise passes.", "of 10"),
    Measure("mode_kl", "mode KL", "lower", "KL of the digits' shares to the real.", "nats", True),
    Measure("confidence", "confidence", _FLOOR, "Mean highest class probability."),
    Measure("score", "score", "higher", "Inception score on digits; blind within a digit."),
    Measure("precision", "precision", "higher", "Share of samples among the real images (k = 3)."),
    Measure("recall", "recall", "higher", "Share of real images among the samples (k = 3)."),
    Measure("density", "density", _FLOOR, "Real neighbourhoods a sample lies in (k = 5)."),
    Measure("coverage", "coverage", "higher", "Share of real images with a sample near (k = 5)."),
    Measure("digit_share", "digit share", _FLOOR, "Each digit's share of the samples."),
    Measure("digit_coverage", "digit coverage", "higher", "Coverage within each digit."),
    Measure("digit_coverage_lowest", "lowest digit coverage", "higher", "Coverage, worst digit."),
    Measure("digit_coverage_mean", "mean digit coverage", "higher", "Coverage, digit by digit."),
    Measure("authpct", "AuthPct", _FLOOR, "Samples that are no copies; copies get 0.", "%"),
    Measure("copying_ct", "C_T", _FLOOR, "Far below 0: copying; far above: underfit.", "sd"),
    Measure("neighbour_ratio", "neighbour ratio", _FLOOR, "Distance to training images; copies 0."),
    Measure("images_per_s", "images/s", "higher", "Real images shown per second of training."),
)
_BY_NAME = {measure.name: measure for measure in _KNOWN}


def measure(name: str) -> Measure:
    """The measure of that name; an unknown one is shown under its own name, without a direction.

    ``witness_X`` is X by the second, independently trained classifier.
    """
    base = name.removeprefix(WITNESS)
    known = _BY_NAME.get(base) or Measure(base, base.replace("_", " "))
    return replace(known, name=name)
