"""Coverage of each digit."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.manifold import digit_coverages
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", labels=True)
def digit_coverage(samples: FeatureStatistics, reference: Reference) -> dict[int, float]:
    """Coverage within each digit, one number a digit: ``digit_coverage/0`` to ``digit_coverage/9``.

    Formula: coverage between the digit's samples and its test images, k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: as for coverage, 0.969 on average where samples are as many as test images
    Source: Naeem et al. 2020, arXiv 2002.09797, applied digit by digit
    """
    return samples.once(digit_coverages, reference)
