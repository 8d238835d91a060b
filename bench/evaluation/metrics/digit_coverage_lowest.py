"""Coverage within the worst covered digit."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.manifold import digit_coverages
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


@metric(cost="costly", labels=True)
def digit_coverage_lowest(samples: FeatureStatistics, reference: Reference) -> float:
    """Coverage within the worst covered digit; ten images drawn again and again have next to none.

    Formula: min over digits of coverage between that digit's samples and its test images, k = 5
    Range: 0 to 1
    Better: higher
    Unit: share
    Floor: as for coverage, 0.969 on average where samples are as many as test images
    Source: Naeem et al. 2020, arXiv 2002.09797, applied digit by digit
    """
    return min(samples.once(digit_coverages, reference).values())
