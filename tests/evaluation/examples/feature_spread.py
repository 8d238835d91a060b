"""A metric of one file. It is measured in new trials by ``ganbench run quick --plugin FILE``, in
trials that were trained before by ``ganbench evaluate quick --plugin FILE``, and in samples from
elsewhere by ``ganbench score samples.npy --plugin FILE``."""

from bench.evaluation.metrics import metric


@metric(when="each evaluation")
def feature_spread(samples, reference):  # type: ignore[no-untyped-def]
    """How far samples lie from their mean in feature space, relative to the test images.

    Label: feature spread
    Formula: sqrt(tr S1 / tr S2), S1 and S2 the covariances of samples and test images
    Range: 0 to ∞
    Better: near the floor
    Unit: ratio
    Floor: 1 for real images; 0 for one image drawn again and again
    Source: an example of this benchmark
    """
    ours, theirs = samples.gaussian.covariance.trace(), reference.test.gaussian.covariance.trace()
    return float((ours / theirs).sqrt())
