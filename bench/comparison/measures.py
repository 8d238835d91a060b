"""What each recorded measure is called in a table, and which way is better."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Measure:
    """A measure as a reader meets it.

    Attributes:
        name: as in the records, without ``final/``.
        label: as in a column head or on an axis.
        better: the direction of improvement.
        unit: empty for a plain number.
        ratio: a positive distance, compared by ratios (on the log scale) rather than differences.
        about: one sentence for the page.
    """

    name: str
    label: str
    better: Better = "neither"
    unit: str = ""
    ratio: bool = False
    about: str = ""

    @property
    def head(self) -> str:
        """The label with its unit and an arrow towards the better side."""
        arrow = {"lower": " ↓", "higher": " ↑", "neither": ""}[self.better]
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.label}{unit}{arrow}"

    @property
    def axis(self) -> str:
        """The label with its unit and the better side in words."""
        unit = f" [{self.unit}]" if self.unit else ""
        side = "" if self.better == "neither" else f" ({self.better} is better)"
        return f"{self.label}{unit}{side}"


_KNOWN = (
    Measure("fid", "FID", "lower", ratio=True, about="Fréchet distance on the digit classifier's features."),
    Measure("modes", "modes", "higher", "of 10", about="Digits drawn at least a tenth as often as in real images."),
    Measure("modes_any", "modes any", "higher", "of 10", about="Digits drawn at least once; noise passes this too."),
    Measure("mode_kl", "mode KL", "lower", "nats", True, "KL divergence of the drawn digits' shares from the real ones."),
    Measure("confidence", "confidence", "higher", about="Mean highest class probability of the digit classifier."),
    Measure("score", "score", "higher", about="Inception-score analogue, at most 10; blind to diversity within a digit."),
    Measure("precision", "precision", "higher", about="Share of samples inside the real images' manifold (k = 3)."),
    Measure("recall", "recall", "higher", about="Share of real images inside the samples' manifold (k = 3)."),
    Measure("density", "density", "higher", about="Real neighbourhoods a sample falls in; 1 for real images (k = 5)."),
    Measure("coverage", "coverage", "higher", about="Share of real images with a sample in their neighbourhood (k = 5)."),
    Measure("kid", "KID", "lower", about="Unbiased MMD² with a cubic kernel; may be negative."),
    Measure("witness_fid", "FID, second classifier", "lower", ratio=True, about="FID by an independently trained classifier."),
    Measure("fid_heldout", "FID, held-out", "lower", ratio=True, about="FID against real images held out of training."),
    Measure("images_per_s", "images/s", "higher", about="Real images shown per second of training."),
    Measure("seconds", "seconds", "lower", about="Seconds of training, evaluation excluded."),
)  # fmt: skip
_BY_NAME = {measure.name: measure for measure in _KNOWN}


def measure(name: str) -> Measure:
    """The measure of that name; an unknown one is shown under its own name, without a direction."""
    return _BY_NAME.get(name) or Measure(name, name.replace("_", " "))
