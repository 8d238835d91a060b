"""What is wrong with a set of samples, in words, as far as its numbers say it.

The sets of known quality (`calibration`) and the generators of the paper's table set the
thresholds: each rule is true of the sets that it is about, and of no real images.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bench.datasets.pixels import ImageDataset
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.suite import Measurement, Values

NOTHING = "No rule for collapse, noise, blur, low confidence or copies is met."
_NAMED = 10  # classes that a sentence lists, at most


@dataclass(frozen=True)
class SampleSet:
    """What the rules look at.

    Attributes:
        numbers, texts: the metrics, final ones too.
        floor: what as many real samples get; empty where it is not known.
        classes: how many the data set has.
        detail: `detail` of the samples over that of the test images; None for other than images.
    """

    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    floor: Values
    classes: int
    detail: float | None

    def over_floor(self, name: str) -> float | None:
        """A metric over its floor; None where one of them is not known."""
        value, floor = self.numbers.get(name), self.floor.get(name)
        return None if value is None or not floor or isinstance(floor, str) else value / floor


def judge(
    evaluator: Evaluator, samples: Tensor, measurement: Measurement, floor: Values
) -> list[str]:
    """One sentence or two for each rule that the samples (N, *shape) meet; none of good ones."""
    dataset, ratio = evaluator.extractor.dataset, None
    if isinstance(dataset, ImageDataset):
        ratio = detail(samples) / detail(dataset.split("test").values)
    seen = SampleSet(measurement.numbers, measurement.texts, floor, dataset.classes, ratio)
    if sentence := noise(seen):
        return [sentence]  # what a classifier says of noise means nothing
    rules = (collapse, repeats, blur, low_confidence, copies)
    return [sentence for rule in rules if (sentence := rule(seen))]


def detail(images: Tensor) -> float:
    """Mean squared difference of neighbouring pixels, down plus across, over the mean variance of
    an image's pixels: 4 for white noise, 0.85 for MNIST, less the more images are blurred."""
    levels = images.float()
    change = levels.diff(dim=2).square().mean() + levels.diff(dim=3).square().mean()
    return float(change / levels.flatten(1).var(dim=1).mean().clamp(min=1e-6))


def noise(seen: SampleSet) -> str:
    """Detail is more than 2.5 times that of the test images.

    Uniform noise has 4.7 times, test images under noise of 40 grey levels 1.5 times, generators
    after 64,000 images 1.2 times.
    """
    if seen.detail is None or seen.detail <= 2.5:
        return ""
    return (
        "Noise: neighbouring pixels hardly depend on each other, so the classes below mean "
        "nothing. Check that the generator was trained and loaded."
    )


def collapse(seen: SampleSet) -> str:
    """A class has less than a tenth of its share in the test samples, as the metric `modes` counts.

    "Collapsed" where at most half of the classes are left. No set of 100 real digits or more
    misses one.
    """
    modes = seen.numbers.get("modes", seen.classes)
    if modes >= seen.floor.get("modes", seen.classes):  # type: ignore[operator]
        return ""
    head = "Collapsed onto few classes" if 2 * modes <= seen.classes else "Classes are missing"
    shares = {
        name.partition("/")[2]: share
        for name, share in seen.numbers.items()
        if name.startswith("digit_share/")
    }
    most = sorted(shares, key=shares.__getitem__, reverse=True)[: min(3, int(modes))]
    listed = ", ".join(f"{label} ({shares[label]:.0%})" for label in most)
    absent = seen.texts.get("missing", "").split()
    return f"{head}: {modes:.0f} of {seen.classes} are drawn." + (
        f" Most often drawn: {listed}." * bool(listed)
        + f" Missing: {', '.join(absent)}." * (0 < len(absent) <= _NAMED)
    )


def repeats(seen: SampleSet) -> str:
    """All classes are drawn, but recall is below a tenth of its floor.

    Ten images repeated have a recall of 0, a clipped WGAN 0.001, an unclear generator that draws
    all classes 0.3, real images 0.87.
    """
    recall = seen.over_floor("recall")
    if recall is None or recall >= 0.1 or 2 * seen.numbers["modes"] <= seen.classes:
        return ""
    return (
        f"Little variety: the samples reach {seen.numbers['recall']:.1%} of the test samples, real "
        f"ones {seen.floor['recall']:.0%}. Few different ones are drawn again and again."
    )


def blur(seen: SampleSet) -> str:
    """Detail is below 0.55 times that of the test images.

    A Gaussian blur of one pixel leaves 0.39 times, one of half a pixel, which the eye does not
    see, 0.74 times; no generator of the paper's table is below 0.9 times.
    """
    if seen.detail is None or seen.detail >= 0.55:
        return ""
    return (
        f"Blurred or empty: neighbouring pixels differ {seen.detail:.2g} times as much as in the "
        "test images."
    )


def low_confidence(seen: SampleSet) -> str:
    """The classifier's mean confidence is below 0.9 times its floor.

    The better half of the paper's table has 0.92 times, generators after 64,000 images 0.8 to
    0.85 times.
    """
    sure = seen.over_floor("confidence")
    if sure is None or sure >= 0.9:
        return ""
    return (
        f"Low confidence: many samples look like no class in particular (confidence "
        f"{seen.numbers['confidence']:.2f}, real samples {seen.floor['confidence']:.2f})."
    )


def copies(seen: SampleSet) -> str:
    """AuthPct is below two thirds of its floor.

    Copies of training images get 0, a set of which half is copied gets half of the floor; the
    lowest of the paper's and the quick table is 0.87 times.
    """
    authentic = seen.over_floor("authpct")
    if authentic is None or authentic >= 2 / 3:
        return ""
    return (
        f"Copies of training samples: {100 - seen.numbers['authpct']:.0f} % of the samples are "
        "nearer to a training sample than any other training sample is; of real ones "
        f"{100 - float(seen.floor['authpct']):.0f} %."
    )
