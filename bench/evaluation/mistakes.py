"""Samples that look as if they were saved wrongly: inverted, in another range, transposed.

Each mistake is undone on some of the samples and measured again. Where that brings them much nearer
to the test images, they were most likely saved that way. What is merely bad gains nothing by it: no
set of known quality, no generator of the paper's table and none half trained is recognised.
"""

from collections.abc import Callable

from torch import Tensor

from bench.datasets.pixels import WHITE, ImageDataset
from bench.evaluation import reference
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.statistics import frechet

_LOOKED_AT, _LEAST = 500, 100
_MIDDLE = 120  # no level of [0, 1] that was taken for [-1, 1] is darker


def recognise(evaluator: Evaluator, samples: Tensor) -> list[str]:
    """A sentence for each mistake that samples (N, *shape) in stored form look like, N ≥ 100."""
    if not isinstance(evaluator.extractor.dataset, ImageDataset) or len(samples) < _LEAST:
        return []
    some = samples[:: max(1, len(samples) // _LOOKED_AT)][:_LOOKED_AT]
    return [sentence for looks_like, sentence in _MISTAKES.items() if looks_like(evaluator, some)]


def inverted(evaluator: Evaluator, images: Tensor) -> bool:
    """Whether white and black are swapped: the mean image comes three times nearer to that of the
    test images, and the FID falls by a fifth. A white picture gains in the first only."""
    return _of_another_tone(evaluator, images, WHITE - images)


def lifted(evaluator: Evaluator, images: Tensor) -> bool:
    """Whether values in [0, 1] were taken for [-1, 1]: no level is below 120 of 255, and what
    `inverted` asks for. Grey noise has dark levels too, and a grey picture gains nothing."""
    wider = (2.0 * images - WHITE).clamp(0, WHITE).round().byte()
    return int(images.amin()) >= _MIDDLE and _of_another_tone(evaluator, images, wider)


def transposed(evaluator: Evaluator, images: Tensor) -> bool:
    """Whether height and width are swapped: the classifier's mean confidence rises by 0.04, and the
    FID falls below 0.4 times. Of one digit the FID falls too, but the confidence as well."""
    (given, sure), (turned, surer) = (
        _seen(evaluator, version) for version in (images, images.transpose(2, 3))
    )
    return surer >= sure + 0.04 and turned < 0.4 * given


_MISTAKES: dict[Callable[[Evaluator, Tensor], bool], str] = {
    inverted: "The samples look inverted, dark on a light background: subtract floats in [0, 1] "
    "from 1, change the sign of floats in [-1, 1], or subtract uint8 from 255.",
    lifted: "The samples look like values in [0, 1] that were taken for [-1, 1], so that black "
    "became grey: do not add 1 and halve them before saving.",
    transposed: "The samples look transposed: swap height and width before saving.",
}


def _of_another_tone(evaluator: Evaluator, given: Tensor, repaired: Tensor) -> bool:
    mean = evaluator.extractor.dataset.split("test").values.float().mean(0)
    before, after = ((i.float().mean(0) - mean).norm() for i in (given, repaired))
    return bool(after < before / 3) and (
        _seen(evaluator, repaired)[0] < 0.8 * _seen(evaluator, given)[0]
    )


def _seen(evaluator: Evaluator, images: Tensor) -> tuple[float, float]:
    """FID and confidence; an extractor without classes has no confidence."""
    seen = reference.observe(evaluator.extractor, images.contiguous(), keep_rows=False)
    sure = seen.histogram.certainty if seen.histogram.count else 0.0
    return frechet(seen.gaussian, evaluator.reference.test.gaussian), sure
