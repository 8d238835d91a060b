"""Each digit's share of the samples."""

from bench.evaluation.feature_statistics import FeatureStatistics
from bench.evaluation.metrics.registry import metric
from bench.evaluation.reference import Reference


# It costs next to nothing, but ten curves a trial would bury the others: at the end only.
@metric(cost="costly", labels=True)
def digit_share(samples: FeatureStatistics, reference: Reference) -> dict[int, float]:
    """How often each digit is drawn, one number a digit: ``digit_share/0`` to ``digit_share/9``.

    Formula: q(k) = #{samples that the classifier takes for k} / n
    Range: 0 to 1
    Better: near the floor
    Unit: share
    Floor: about 0.1; 0.09 for the digit 5, 0.11 for the digit 1
    Source: this benchmark; modes, missing and mode_kl are worked out of these
    """
    return dict(enumerate(samples.histogram.share.tolist()))
